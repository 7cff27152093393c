"""Who looked at her report, as she may see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reporting import people
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import Look, Report
from reporting.sessions import Visit

LIMIT = 300


@dataclass(frozen=True)
class LookLine:
    """`times`: how often the same person did the same in a row; `at` is the latest of them."""

    who: str
    act: str
    at: datetime
    times: int = 1


def shown(visit: Visit) -> list[LookLine]:
    """Newest first: all, or what is new in this visit, as she chose."""
    rows = Look.objects.filter(report=visit.report).order_by("-at", "-id")
    if not people.shows_everything(visit):
        rows = rows.filter(Q(shown_at=None) | Q(shown_at__gte=visit.since))
    lines: list[LookLine] = []
    for look in rows[:LIMIT]:
        if lines and (lines[-1].who, lines[-1].act) == (look.who, look.act):
            lines[-1] = replace(lines[-1], times=lines[-1].times + 1)
        else:
            lines.append(LookLine(look.who, look.act, look.at))
    return lines


def mark_shown(report: Report, *, by: Actor) -> None:
    """She has been told. On record, because it is a fact that somebody may ask about."""
    with transaction.atomic():
        if count := Look.objects.filter(report=report, shown_at=None).update(
            shown_at=timezone.now()
        ):
            record(report.pk, "looks:shown", actor=by, detail={"count": count})
