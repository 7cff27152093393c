from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reporting import acts, custody
from reporting.acts import Act, Thing

README = Path(custody.__file__).with_name("README.md")
BEGIN, END = "<!-- acts -->", "<!-- /acts -->"
_COLUMNS = "act,recorded by,about,stores,signed,opens,partner sees its detail,what it says"
_ABOUT = {
    Thing.REPORT: "report",
    Thing.CASE: "case",
    Thing.ANSWER: "answer",
    Thing.ITEM: "evidence item",
    Thing.MESSAGE: "message",
    Thing.CONSENT: "consent",
    Thing.NOTE: "note",
    Thing.REFERRAL: "referral",
    Thing.BAND: "band",
    Thing.OPENER: "opener",
    Thing.KEYED: "report or case",
    Thing.GIVEN: "answer, evidence item or message",
}


def described(readme: str) -> str:
    """The README with its table of acts as `reporting/acts.py` has them now.

    Raises ValueError when the marks are missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN} and {END} are missing")
    columns = _COLUMNS.split(",")
    rows = [_line(columns), _line(["---"] * len(columns)), *(_row(act) for act in acts.ALL)]
    return f"{before}{begin}\n{''.join(rows)}{end}{after}"


def _row(act: Act) -> str:
    marks = (act.keeps, act.signed, act.opens, act.partner_sees)
    cells = [
        f"`{act.name}`",
        ", ".join(sorted(act.doors)),
        _ABOUT[act.about],
        *("yes" if mark else "" for mark in marks),
        str(act.words),
    ]
    return _line(cells)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


class Command(BaseCommand):
    help = "Write the table of acts in reporting/custody/README.md from reporting/acts.py."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = described(README.read_text())
        except ValueError as error:
            raise CommandError(f"{README}: {error}. Nothing was written.", returncode=2) from None
        README.write_text(text)
        self.stdout.write(f"{len(acts.ALL)} acts described in {README}.")
