"""Acts signed by the reporter: each answer, item, message, consent and wish carries the return
code's signature.

The key lies nowhere with us; its public half stands in the report's first event. Whoever takes over
the public door can therefore add nothing in the name of a reporter who is not there. The signature
(Ed25519) is over the RFC 8785 JSON of {act, at, object, previous, report, sha256}:

- `sha256`: SHA-256 of what the act is about as the reporter gave it (the plain record, file, text
  or statement; of no bytes where there is nothing but the wish itself),
- `previous`: the leaf of the event before it, so that a signature fits one place of one chain,
- `at`: when it was signed, by the door's clock; the event's own time may differ by `CLOCKS_DIFFER`.

`sha256`, `signed_at` and `signature` (base64) lie in the act's sealed detail; the rest stands in
the event.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reporting.actors import REPORTER
from reporting.custody.events import Event
from reporting.custody.record import NO_HASH, Recorded, head, record
from reporting.sessions import Visit
from reporting.vault import codes

CLOCKS_DIFFER = timedelta(minutes=5)
NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Signed(Recorded):
    """A recorded act with the signature in its detail: `sha256`, `signed_at`, `signature`."""

    proof: dict[str, str] = field(default_factory=dict)


class NotSigned(Exception):
    """The act does not carry the reporter's signature for this place in this chain."""


def record_signed(
    visit: Visit,
    act: str,
    *,
    detail: dict[str, Any],
    about: str = "",
    about_sha256: bytes = NO_HASH,
    sha256: str = NOTHING,
) -> Signed:
    """Record an act of the reporter who is here, signed. Call it in a transaction.

    `sha256`: hex, of the plain value. `about_sha256`: as in `record`.
    """
    report = visit.report.pk
    previous = head(report)
    signed_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    statement = _statement(report, act, about or report, sha256, previous, signed_at)
    signature = base64.b64encode(codes.sign(visit.signing_seed, statement)).decode()
    proof = {"sha256": sha256, "signed_at": signed_at, "signature": signature}
    recorded = record(
        report,
        act,
        actor=REPORTER,
        detail=detail | proof,
        about=about,
        about_sha256=about_sha256,
        previous=previous,
    )
    return Signed(**vars(recorded), proof=proof)


def check(event: Event, detail: dict[str, Any], signing_key: str) -> None:
    """Raises NotSigned. `signing_key`: hex, from the report's first event."""
    try:
        sha256, at = str(detail["sha256"]), str(detail["signed_at"])
        statement = _statement(event.subject, event.name, event.object, sha256, event.previous, at)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signing_key))
        key.verify(base64.b64decode(detail["signature"]), statement)
        signed_at = datetime.fromisoformat(at)
        if abs(signed_at - event.at) > CLOCKS_DIFFER:
            raise NotSigned("signed at another time than it was recorded")
    except (InvalidSignature, KeyError, TypeError, ValueError):
        raise NotSigned("not signed with the return code's key") from None


def _statement(report: str, act: str, about: str, sha256: str, previous: str, at: str) -> bytes:
    return rfc8785.dumps(
        {
            "act": act,
            "at": at,
            "object": about,
            "previous": previous,
            "report": report,
            "sha256": sha256,
        }
    )
