"""CSV by RFC 4180, in UTF-8, without cells that a spreadsheet would run as a formula (CWE-1236)."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence

from cases.exports.readable import readable


def csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A header row and the rows, lines ended by CRLF."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A leading apostrophe is the spreadsheets' own mark for "this is text". It stands before
    whatever begins with neither a letter nor a digit of ASCII: no formula does, in any spelling."""
    shown = readable(cell)
    plain = shown[:1].isascii() and shown[:1].isalnum()
    return shown if plain or not shown else f"'{shown}"
