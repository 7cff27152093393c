"""CSV by RFC 4180, in UTF-8, without cells that a spreadsheet would run as a formula (CWE-1236)."""

from __future__ import annotations

import csv as csv_module
import io
import unicodedata
from collections.abc import Sequence

from cases.exports.formats.visible import visible

_FORMULA = frozenset("=+-@\t\r")


def csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A header row and the rows, lines ended by CRLF."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A leading apostrophe is the spreadsheets' own mark for "this is text"; full-width signs count
    as well."""
    shown = visible(cell)
    first = unicodedata.normalize("NFKC", shown.lstrip())[:1]
    return f"'{shown}" if first in _FORMULA or shown[:1] in _FORMULA else shown
