"""Writing custody events, and reading back the founding keys. The only other writer of the ledger
is `sequencer`."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import rfc8785
from django.db import connection

from reporting.vault.fields import seal_bytes
from reporting.vault.keys import PublicKey

NO_HASH = bytes(32)  # the object of an act that stores nothing
NO_LEAF = "0" * 64  # what a subject's first event follows


class UnknownSubject(Exception):
    """No founding event: the report or case does not exist, or the ledger row was tampered with."""


@dataclass(frozen=True)
class Recorded:
    """`sealed`: the sealed detail as stored. `at`: the database's clock, which a stored row takes
    as its own time."""

    id: int
    subject: str
    seq: int
    at: datetime
    leaf: str
    sealed: bytes = b""


@dataclass(frozen=True)
class Founding:
    """Public halves fixed by a subject's first event.

    `public_key`: age, of the report's or case's key. `signing_key`: Ed25519, of the return code's
    key (hex, or "").
    """

    public_key: PublicKey
    signing_key: str


def start_chain(
    subject: str,
    *,
    public_key: PublicKey,
    signing_key: bytes,
    actor: str,
    about_sha256: bytes = NO_HASH,
) -> Recorded:
    """The first event of a report or case. Its detail is public keys, kept in the clear."""
    event = "report:started" if subject.startswith("R-") else "case:started"
    text = _salted({"public_key": public_key, "signing_key": signing_key.hex()})
    return _append(subject, event, actor, text, about_sha256=about_sha256, founding=text.decode())


def record(
    subject: str,
    event: str,
    *,
    actor: str,
    detail: dict[str, Any],
    about: str = "",
    about_sha256: bytes = NO_HASH,
    previous: str | None = None,
) -> Recorded:
    """Append one act inside the caller's transaction, its detail sealed to the subject's key.

    `about`: the id of the thing the act is about (default: the subject itself); `about_sha256`: of
    that thing's stored row, where the act writes one. `previous`: the head the caller believes in
    (hex leaf); a chain that has moved on raises django.db.OperationalError. An act that the
    session's door may not record raises django.db.ProgrammingError.
    """
    text = _salted(detail)
    sealed = seal_bytes(text, founding(subject).public_key)
    return _append(
        subject,
        event,
        actor,
        text,
        about=about or subject,
        about_sha256=about_sha256,
        sealed=sealed,
        previous=previous,
    )


def record_on_both(
    report: str,
    case: str,
    event: str,
    *,
    on_case: str = "",
    actor: str,
    detail: dict[str, Any],
    about: str = "",
    about_sha256: bytes = NO_HASH,
    case_sha256: bytes = NO_HASH,
) -> tuple[Recorded, Recorded]:
    """One act on two chains, each naming the other's head: what the report's package shows is bound
    to the case's record.

    `on_case`: the name of the act on the case, when it is another one. `case_sha256`: of the case's
    row, where the act writes it and is about nothing else. Returns the events of report and case.
    """
    case_head = head(case)
    on_report = record(
        report,
        event,
        actor=actor,
        detail={**detail, "case": case, "case_head": case_head},
        about=about,
        about_sha256=about_sha256,
    )
    on_case_chain = record(
        case,
        on_case or event,
        actor=actor,
        detail={**detail, "report": report, "report_head": on_report.leaf},
        about=about,
        about_sha256=about_sha256 if about else case_sha256,
    )
    return on_report, on_case_chain


def head(subject: str) -> str:
    """The leaf of the newest event, held for this transaction: nobody else appends to the subject
    before it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.custody_head(%s)", [subject])
        leaf: str | None = cursor.fetchone()[0]
    if leaf is None:
        raise UnknownSubject(subject)
    return leaf


@lru_cache(maxsize=10_000)
def founding(subject: str) -> Founding:
    """Raises UnknownSubject. The detail is checked against its hash, so a swapped public key is
    refused here.

    Kept in memory: a founding event never changes, and an owner of the database who changes it
    later changes nothing for a running door.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical, founding FROM public.custody_founding(%s)", [subject])
        row = cursor.fetchone()
    if row is None or row[0] is None:
        raise UnknownSubject(subject)
    return read_founding(*row)


def read_founding(canonical: str, text: str) -> Founding:
    if hashlib.sha256(text.encode()).hexdigest() != json.loads(canonical)["detail_hash"]:
        raise UnknownSubject("the founding keys do not match the ledger")
    detail = unsalted(text.encode())
    return Founding(PublicKey(detail["public_key"]), detail["signing_key"])


def unsalted(text: bytes) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(text[32:])
    return detail


def _salted(detail: dict[str, Any]) -> bytes:
    """32 hexadecimal characters of salt, then RFC 8785 JSON: the SHA-256 of these bytes is the
    event's detail_hash."""
    return secrets.token_hex(16).encode() + rfc8785.dumps(detail)


def _append(
    subject: str,
    event: str,
    actor: str,
    text: bytes,
    *,
    about: str = "",
    about_sha256: bytes = NO_HASH,
    sealed: bytes = b"",
    founding: str = "",
    previous: str | None = None,
) -> Recorded:
    detail_hash = hashlib.sha256(text).digest()
    values = [
        subject,
        event,
        actor,
        about or subject,
        about_sha256,
        detail_hash,
        sealed,
        founding,
        previous,
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, seq, at, leaf FROM public.custody_append(%s, %s, %s, %s, %s, %s, %s, "
            "%s, %s)",
            values,
        )
        event_id, seq, at, leaf = cursor.fetchone()
    return Recorded(event_id, subject, seq, at, leaf, sealed)
