"""An open form or portal: a random token in the reporter's cookie, the keys sealed under it in our
row.

A thief of the database has neither. Idle for an hour, or a day old, and it is gone; what was
answered stays with the return code.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NewType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection
from django.utils import timezone

from reporting.models import Report, ReporterSession
from reporting.vault import codes, reader
from reporting.vault.fields import seal_record
from reporting.vault.keys import PublicKey, Secret, public_key_of, secret_from_seed

Token = NewType("Token", str)

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=24)

# Every request reads it: written out it takes a fifth of the time it takes through the ORM.
_RESUME = """
    SELECT session.keys, session.started_at, session.used_at, report.id, report.state,
        report.language, report.started_at, report.submitted_at, report.news_at
    FROM public.reporting_reportersession session
    JOIN public.reporting_report report ON report.id = session.report_id
    WHERE session.token_hash = %s
"""


@dataclass(frozen=True)
class Visit:
    """A report whose reporter is here: the only time its draft can be read."""

    report: Report
    secret: Secret
    code: codes.ReturnCode
    signing_seed: bytes
    since: datetime  # when this visit began: what was written or read in it may be shown again

    @cached_property
    def public_key(self) -> PublicKey:
        return public_key_of(self.secret)


def begin(
    report: Report, *, secret: Secret, code: codes.ReturnCode, signing_seed: bytes
) -> tuple[Visit, Token]:
    """The visit, and the token for the reporter's cookie, which is kept nowhere else."""
    token = Token(secrets.token_urlsafe(32))
    keys = seal_record(
        {"secret": secret, "code": code, "seed": signing_seed.hex()},
        public_key_of(_identity(token)),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.reporting_reportersession (token_hash, report_id, keys) "
            "VALUES (%s, %s, %s) RETURNING started_at",
            [_hash(token), report.pk, keys],
        )
        (began,) = cursor.fetchone()
    return Visit(report, secret, code, signing_seed, began), token


def resume(token: str) -> Visit | None:
    """None for an unknown, idle or old session; the row of an expired one is deleted."""
    with connection.cursor() as cursor:
        cursor.execute(_RESUME, [_hash(token)])
        row = cursor.fetchone()
    if row is None:
        return None
    sealed, began, used_at, *columns = row
    now = timezone.now()
    if now - used_at > IDLE or now - began > LONGEST:
        end(token)
        return None
    if now - used_at > timedelta(minutes=1):
        ReporterSession.objects.filter(token_hash=_hash(token)).update(used_at=now)
    keys = reader.open_record(sealed, _identity(Token(token)))
    code, seed = codes.ReturnCode(keys["code"]), bytes.fromhex(keys["seed"])
    return Visit(Report.from_row(columns), Secret(keys["secret"]), code, seed, began)


def end(token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_end_visit(%s)", [_hash(token)])


def end_all(report: Report) -> None:
    """Redeeming elsewhere closes the forgotten tab."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_end_visits(%s)", [report.pk])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _identity(token: str) -> Secret:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast reporter session").derive(
        token.encode()
    )
    return secret_from_seed(seed)
