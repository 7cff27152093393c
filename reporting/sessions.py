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
from typing import NewType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils import timezone

from reporting.models import Report, ReporterSession
from reporting.vault import codes, reader
from reporting.vault.fields import seal_record
from reporting.vault.keys import PublicKey, Secret, public_key_of, secret_from_seed

Token = NewType("Token", str)

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class Visit:
    """A report whose reporter is here: the only time its draft can be read."""

    report: Report
    secret: Secret
    code: codes.ReturnCode
    signing_seed: bytes
    since: datetime  # when this visit began: what was written or read in it may be shown again

    @property
    def public_key(self) -> PublicKey:
        return public_key_of(self.secret)


def begin(
    report: Report, *, secret: Secret, code: codes.ReturnCode, signing_seed: bytes
) -> tuple[Visit, Token]:
    """Any other session of the report ends: redeeming elsewhere closes the forgotten tab."""
    ReporterSession.objects.filter(report=report).delete()
    token = Token(secrets.token_urlsafe(32))
    keys = seal_record(
        {"secret": secret, "code": code, "seed": signing_seed.hex()},
        public_key_of(_identity(token)),
    )
    row = ReporterSession.objects.create(token_hash=_hash(token), report=report, keys=keys)
    row.refresh_from_db(fields=["started_at"])
    return Visit(report, secret, code, signing_seed, row.started_at), token


def resume(token: str) -> Visit | None:
    """None for an unknown, idle or old session; the row of an expired one is deleted."""
    row = ReporterSession.objects.select_related("report").filter(token_hash=_hash(token)).first()
    if row is None:
        return None
    now = timezone.now()
    if now - row.used_at > IDLE or now - row.started_at > LONGEST:
        row.delete()
        return None
    if now - row.used_at > timedelta(minutes=1):
        ReporterSession.objects.filter(pk=row.pk).update(used_at=now)
    keys = reader.open_record(row.keys, _identity(Token(token)))
    code, seed = codes.ReturnCode(keys["code"]), bytes.fromhex(keys["seed"])
    return Visit(row.report, Secret(keys["secret"]), code, seed, row.started_at)


def end(token: str) -> None:
    ReporterSession.objects.filter(token_hash=_hash(token)).delete()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _identity(token: str) -> Secret:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast reporter session").derive(
        token.encode()
    )
    return secret_from_seed(seed)
