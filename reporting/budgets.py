"""How much one report may hold: refused kindly, so that no single code fills the database or a
reader's page."""

from __future__ import annotations

from django.db import connection

from reporting.models import EvidenceItem, Report

TEXT_BYTES = 20_000_000  # sealed bytes of answers and messages in one report
LINE = 20_000  # characters of one link or account
ITEMS = 2_000  # files, links and accounts in one report
VERSIONS = 2_000  # answers and messages in one report


class TooMuch(Exception):
    """The report holds as much as one report may hold. The message says what to do, in words for
    the reporter."""


class TooMany(TooMuch):
    """The report holds as many files, links and accounts as one report may hold."""

    def __init__(self) -> None:
        super().__init__(
            f"We can take {ITEMS} files, links and accounts in one report. Everything you gave "
            "before is kept. "
            "Please start another report for the others."
        )


def check_text(report: Report, size: int) -> None:
    """Before an answer or message of `size` bytes is kept. Raises TooMuch. The caller holds the
    report's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(octet_length(sealed)), 0) FROM ("
            "SELECT sealed FROM public.reporting_answer WHERE report_id = %s "
            "UNION ALL SELECT sealed FROM public.reporting_message WHERE report_id = %s) AS texts",
            [report.pk, report.pk],
        )
        versions, total = cursor.fetchone()
    if total + size > TEXT_BYTES or versions >= VERSIONS:
        raise TooMuch(
            "This report holds as much text as we can take in one. Everything you gave before is "
            "kept. "
            "Please send it, or start another report for the rest."
        )


def check_lines(lines: list[str]) -> None:
    """Before links or accounts are kept. Raises TooMuch."""
    if any(len(line) > LINE for line in lines):
        raise TooMuch(
            f"One line is longer than {LINE} characters. Nothing of these lines was kept. "
            "Please put it in your own words, or send it as a file."
        )


def check_items(report: Report, more: int) -> None:
    """Before `more` files, links or accounts are kept. Raises TooMany. The caller holds the
    report's lock."""
    if EvidenceItem.objects.filter(report=report).count() + more > ITEMS:
        raise TooMany
