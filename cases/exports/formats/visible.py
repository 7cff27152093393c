"""Text as it may reach another machine: control and direction characters are shown as escapes,
never obeyed.

An escape sequence drives a terminal, and a direction mark makes `exe.jpg` of a program's name. The
exact bytes are in the act's record; here they are visible.
"""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t")


def visible(text: str) -> str:
    """Control (Cc), format (Cf) and surrogate characters as `\\x1b` or `\\u202e`; joiners that
    scripts need are kept."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if (
        character in _KEPT or character in "\u200c\u200d"
    ):  # Persian, Hindi and emoji need these joiners
        return character
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs"}:
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
