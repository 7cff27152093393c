"""Text that carries a file: a `data:` address, or a long stretch of encoded bytes, by whatever
encoding.

Promise 7 holds on every route that takes bytes, and text is one: a picture must not come in as
words. Encoded bytes differ from any language in two measurable ways:

- A character tells nothing about the one after it, so that about as many different pairs of
  neighbours stand there as chance gives: 95 to 103 of 100, in ASCII85, base64, base32, uuencode,
  yEnc and the like; in every language at most 76, also in those without spaces.
- Nearly every token mixes capitals, small letters and digits, or is a number below a thousand:
  hexadecimal, percent-encoding, quoted-printable, decimal numbers, where the marks between the
  bytes hide the first.

Chats, addresses, wallets and links do so only here and there. The refusal is kind and offers a way
forward. Bytes hidden in invented words are not found; nothing that shows a text turns those into a
picture.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import exp

PAIRS_OF = 1_500  # characters whose pairs are counted together, without spaces and line ends
INDEPENDENT = 0.9  # share of the different pairs that chance gives, from which they are bytes
FEWEST = 16  # different characters: lists of numbers have fewer, and their digits are independent

BLOCK = 3_000  # characters of tokens that are judged together
CODED = 0.85  # share of them in coded tokens from which a block is taken for a file

SHORT = 0.9  # share of tokens of at most three characters: no language has so many
OFTEN = 6  # characters from one change of kind to the next; an account number has one change
LONGEST = 200  # characters; no word in Latin letters is longer

_DATA = re.compile(r"data\s*:[^,]{0,200},\s*[!-~]{200}", re.IGNORECASE)
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
    characters = "".join(text.split())
    for begin in range(0, len(characters) - PAIRS_OF + 1, PAIRS_OF):
        if _is_independent(characters[begin : begin + PAIRS_OF]):
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


def _is_independent(characters: str) -> bool:
    counts = Counter(characters)
    if len(counts) < FEWEST:
        return False
    total = len(characters) - 1
    equally_often = Counter(counts.values())
    by_chance = sum(
        of_these * of_those * (1 - exp(-often * frequent / total))
        for often, of_these in equally_often.items()
        for frequent, of_those in equally_often.items()
    )
    pairs = set(pairwise(characters))
    return len(pairs) >= INDEPENDENT * by_chance


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
    if len(_CHANGE.findall(token)) * OFTEN > len(token) or not token.strip("01"):
        return True
    return (
        token.isascii() and len(token) > LONGEST and len(set(token)) > 10
    )  # not one key held down
