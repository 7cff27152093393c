"""What she added to a report after sending it: a mark on the report, set as she adds and taken off when the office has read it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import Report


def note(report: Report) -> None:
    """Inside the transaction that adds. A draft has no news: all of it is new when it is sent."""
    Report.objects.filter(pk=report.pk).exclude(state=Report.State.DRAFT).update(news_at=Now())


def read(report: Report, *, until: datetime | None, by: Actor) -> None:
    """The office has read what she added `until` then; what came since stays marked."""
    with transaction.atomic():
        if until and Report.objects.filter(pk=report.pk, news_at=until).update(news_at=None):
            record(report.pk, "report:news_read", actor=by, detail={})
