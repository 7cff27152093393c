"""Text as verify.sh can make it again from JSON with sed: what the package says in words and what
the record holds are compared byte for byte."""

from __future__ import annotations

import json
import re

_READABLE = re.compile(r'\\(["\\nt])')
_READ_AS = {"n": "\n", "t": "\t"}
# Hexadecimal, first to last: what drives a terminal, turns what follows around, or is not seen. Not
# the joiners (200c, 200d) that Persian, Hindi and emoji need. verify.sh has the same list.
UNSEEN = (
    "7f-9f ad-ad 61c-61c 180e-180e 200b-200b 200e-200f 202a-202e 2060-206f feff-feff fff9-fffb "
    "e0001-e0001 e0020-e007f"
)
_RANGES = (unseen.split("-") for unseen in UNSEEN.split())
_UNSEEN = re.compile(
    f"[{''.join(f'{chr(int(first, 16))}-{chr(int(last, 16))}' for first, last in _RANGES)}]"
)


def readable(words: str) -> str:
    """As it was written; control characters stay as JSON writes them, and what is not seen is
    written out as `\\u202e` or `\\U000e0041`. The exact text is in the act's record."""
    escaped = json.dumps(words, ensure_ascii=False)[1:-1]
    unescaped = _READABLE.sub(lambda found: _READ_AS.get(found[1], found[1]), escaped)
    return _UNSEEN.sub(lambda found: _written_out(ord(found[0])), unescaped)


def _written_out(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
