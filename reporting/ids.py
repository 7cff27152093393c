"""Opaque ids: a letter that says what it is, and 60 random bits in Crockford's base 32 (no I, L, O,
U to misread)."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new(letter: str) -> str:
    number = secrets.randbits(60)
    return f"{letter}-" + "".join(_ALPHABET[number >> place & 31] for place in range(0, 60, 5))


def report() -> str:
    return new("R")


def person() -> str:
    return new("H")


def incident() -> str:
    return new("N")


def file_group() -> str:
    return new("G")


def evidence_item() -> str:
    return new("E")


def message() -> str:
    return new("M")


def consent() -> str:
    return new("K")


def answer() -> str:
    return new("A")
