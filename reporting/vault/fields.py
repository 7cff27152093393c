"""Small sealed things: text and records in a column, each an age file behind a version byte."""

from __future__ import annotations

from typing import Any

import pyrage
import rfc8785
from django.db import models

from reporting.vault.keys import Recipient

SEALED_VERSION = b"\x01"


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """Bytes that only a report's own key opens. Its class is what the house test reads as SEALED."""


def seal_bytes(plain: bytes, recipient: Recipient) -> bytes:
    return SEALED_VERSION + bytes(
        pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(recipient)])
    )


def seal_text(plain: str, recipient: Recipient) -> bytes:
    return seal_bytes(plain.encode(), recipient)


def seal_record(record: dict[str, Any], recipient: Recipient) -> bytes:
    """A record as canonical JSON (RFC 8785), sealed."""
    return seal_bytes(rfc8785.dumps(record), recipient)
