"""Text that carries a file: a `data:` address, or a long stretch of base64, hexadecimal and the
like.

Promise 7 holds on every route that takes bytes, and text is one: a picture must not come in as
words. Encoded bytes differ from any language in one measurable way: nearly every token mixes
capitals, small letters and digits, or is a number below a thousand. Chats, addresses, wallets and
links do so only here and there. The refusal is kind and offers a way forward. Bytes hidden in
invented words are not found; nothing that shows a text turns those into a picture.
"""

from __future__ import annotations

import re

BLOCK = 3_000  # characters of tokens that are judged together
CODED = 0.85  # share of them in coded tokens from which a block is taken for a file

SHORT = 0.9  # share of tokens of at most three characters: no language has so many
LONGEST = 200  # characters; no word in Latin letters is longer

_DATA = re.compile(r"data:[^\s,]{0,200},[^\s]{200}", re.IGNORECASE)
_TOKEN = re.compile(r"[^\s.,;:!?'\"()\[\]{}<>|@#&/\\=+*%~^$`_-]+")
_CHANGE = re.compile(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z][0-9]|[A-Z]{2}[a-z]")


class FileInText(Exception):
    """The text holds a file. The message is in words for the reporter; what was typed stays in the
    field."""

    words = (
        "This text holds a picture or another file, written as letters and numbers. We cannot "
        "take files this way. "
        "Please take that part out and describe it in your own words. Everything else you wrote "
        "is still here."
    )

    def __init__(self) -> None:
        super().__init__(self.words)


def check(text: str) -> None:
    """Raises FileInText. Its time grows with the length of the text and no faster."""
    if _DATA.search(text):
        raise FileInText
    tokens: list[str] = []
    total = 0
    for token in _TOKEN.finditer(text):
        tokens.append(token[0])
        total += len(token[0])
        if total >= BLOCK:
            _judge(tokens, total)
            tokens, total = [], 0
    if total > BLOCK // 2:
        _judge(tokens, total)


def _judge(tokens: list[str], total: int) -> None:
    coded = sum(len(token) for token in tokens if _is_coded(token))
    short = sum(len(token) <= 3 for token in tokens)
    if coded >= CODED * total or short >= SHORT * len(tokens):
        raise FileInText


def _is_coded(token: str) -> bool:
    if len(token) <= 3:
        return len(token) > 1 and (
            token.isdigit() or not token.isalpha() or not token[1:].islower()
        )
    if _CHANGE.search(token) or not token.strip("01"):
        return True
    return (
        token.isascii() and len(token) > LONGEST and len(set(token)) > 10
    )  # not one key held down
