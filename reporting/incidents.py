"""The harms within a report, one row each: made by the worker from the answers that the ledger
confirms.

The public door writes none: what a list shows in the clear comes from what the reporter signed.
"""

from __future__ import annotations

from collections.abc import Iterable

from reporting import harms, people
from reporting.models import Incident, Report

NOT_SAID = "not_said"


def note(report: Report, types: Iterable[str]) -> None:
    """One for each kind of harm that was named, at sending or later; what was named before
    stays."""
    named = [code for code in types if code in harms.BY_CODE] or [NOT_SAID]
    there = set(Incident.objects.filter(report=report).values_list("reported_type", flat=True))
    if there and named == [NOT_SAID]:
        return
    person = people.harmed(report)
    Incident.objects.bulk_create(
        Incident(report=report, person=person, reported_type=code)
        for code in named
        if code not in there
    )
