"""Writing custody events, and reading back the founding keys. The only writers of the ledger are here and in `sequencer`."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from django.db import connection, transaction

from reporting.custody.models import CustodyDetail
from reporting.vault.fields import seal_bytes
from reporting.vault.keys import PublicKey

# Opening events: the only ones the opener gives a key for.
OPENING_EVENTS = frozenset(
    {
        "report:opened",
        "report:assessed",
        "evidence:revealed",
        "quarantine:opened",
        "referral:opened",
    }
    | {"package:built", "case:opened", "wrap:renewed"}
)


class UnknownSubject(Exception):
    """No founding event: the report or case does not exist, or the ledger row was tampered with."""


@dataclass(frozen=True)
class Recorded:
    id: int
    subject: str
    seq: int
    at: datetime
    leaf: str


@dataclass(frozen=True)
class Founding:
    """Public halves fixed by a subject's first event: the age public_key, and the Ed25519 key of her return code (hex, or "")."""

    public_key: PublicKey
    signing_key: str


def start_chain(subject: str, *, public_key: PublicKey, signing_key: bytes, actor: str) -> Recorded:
    """The first event of a report or case. Its detail is public keys, kept in the clear."""
    event = "report:started" if subject.startswith("R-") else "case:started"
    text = _salted({"public_key": public_key, "signing_key": signing_key.hex()})
    with transaction.atomic():
        recorded = _append(subject, event, actor, text, previous="0" * 64)
        CustodyDetail.objects.create(event_id=recorded.id, founding=text.decode())
    return recorded


def record(
    subject: str, event: str, *, actor: str, detail: dict[str, Any], previous: str | None = None
) -> Recorded:
    """Append one event inside the caller's transaction.

    `previous`: the head the caller believes in (hex leaf); a chain that has moved on raises django.db.OperationalError.
    """
    text = _salted(detail)
    with transaction.atomic():
        recorded = _append(subject, event, actor, text, previous)
        CustodyDetail.objects.create(
            event_id=recorded.id, sealed=seal_bytes(text, founding(subject).public_key)
        )
    return recorded


def founding(subject: str) -> Founding:
    """Raises UnknownSubject. The detail is checked against its hash, so a swapped public key is refused here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical, founding FROM custody_founding(%s)", [subject])
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
    """32 hex characters of salt, then RFC 8785 JSON: `sha256sum` of these bytes is the event's detail_hash."""
    return secrets.token_hex(16).encode() + rfc8785.dumps(detail)


def _append(subject: str, event: str, actor: str, text: bytes, previous: str | None) -> Recorded:
    digest = hashlib.sha256(text).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, seq, at, leaf FROM custody_append(%s, %s, %s, %s, %s)",
            [subject, event, actor, digest, previous],
        )
        event_id, seq, at, leaf = cursor.fetchone()
    return Recorded(event_id, subject, seq, at, leaf)
