"""Small sealed things: text and records in a column, each an age file behind a version byte."""

from __future__ import annotations

from typing import Any

import rfc8785
from django.db import models

from reporting.vault import age
from reporting.vault.keys import PublicKey

SEALED_VERSION = b"\x01"


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """Bytes that only a report's own key opens. The house test reads this class as SEALED."""


def seal_bytes(plain: bytes, public_key: PublicKey) -> bytes:
    return SEALED_VERSION + age.encrypt(plain, [public_key])


def seal_text(plain: str, public_key: PublicKey) -> bytes:
    return seal_bytes(plain.encode(), public_key)


def seal_record(record: dict[str, Any], public_key: PublicKey) -> bytes:
    """A record as canonical JSON (RFC 8785), sealed."""
    return seal_bytes(rfc8785.dumps(record), public_key)
