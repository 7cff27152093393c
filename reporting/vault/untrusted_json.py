"""JSON that somebody else may have written: bounded, and of values that can be shown and hashed."""

from __future__ import annotations

import json
from typing import Any

LIMIT = 8_000_000  # bytes; an answer of questions.TEXT_LIMIT characters
DETAIL_LIMIT = 131_072  # bytes of an act's detail; custody_append takes no more


def read_object(untrusted_text: bytes | str, limit: int = LIMIT) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object, too long, nested too deeply, or holds what
    UTF-8 or JSON cannot: half a character, an infinite number."""
    if len(untrusted_text) > limit:
        raise ValueError("too long")
    try:
        value = json.loads(untrusted_text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
