"""Text as verify.sh can make it again from JSON with sed: what the package says in words and what
the record holds are compared byte for byte."""

from __future__ import annotations

import json
import re

_READABLE = re.compile(r'\\(["\\nt])')
_READ_AS = {"n": "\n", "t": "\t"}
# Left-to-right mark and the like: unseen, they turn what follows around on the screen.
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def readable(words: str) -> str:
    """As it was written; control characters stay as JSON writes them, and direction marks are
    written out."""
    escaped = json.dumps(words, ensure_ascii=False)[1:-1]
    unescaped = _READABLE.sub(lambda found: _READ_AS.get(found[1], found[1]), escaped)
    return _DIRECTION_MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", unescaped)
