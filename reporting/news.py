"""What the reporter added after sending: a mark on the report that the database sets with each act
of the reporter.

It is taken off here, when a person of the office has read what was added.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import Report


def read(report: Report, *, until: datetime | None, by: Actor) -> None:
    """The office has read what was added `until` then; what came since stays marked."""
    with transaction.atomic():
        if until and Report.objects.filter(pk=report.pk, news_at=until).update(news_at=None):
            record(report.pk, "report:news_read", actor=by, detail={})
