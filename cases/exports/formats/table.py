"""CSV that a spreadsheet cannot be tricked with: RFC 4180, UTF-8, and no cell that a program would run as a formula."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    # A leading apostrophe is what spreadsheets themselves use for "this is text"; the exact value stands in the statement too.
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
