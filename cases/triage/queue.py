"""What is waiting, and noticing what is new. The queue is a column of the report: nobody has to tell us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cases.models import Assessment
from cases.triage import priority
from reporting import evidence, people
from reporting.actors import job
from reporting.custody.record import record
from reporting.models import Answer, EvidenceItem, Incident, Pulse, Report

WAITING = (Report.State.RECEIVED, Report.State.IN_TRIAGE, Report.State.NEEDS_ANSWER)
PAGE = 50


@dataclass(frozen=True)
class QueueLine:
    """A line of the queue: only what stands in the clear."""

    report: Report
    assessment: Assessment | None
    types: list[str]
    items: int


@dataclass(frozen=True)
class After:
    """Where the next page begins (keyset, so page 20,000 is as fast as page 1)."""

    band: int
    submitted_at: datetime
    report: str


def unassessed(limit: int = 100) -> list[Report]:
    """Received, and not yet looked at by the rules: newest matter least, so oldest first."""
    waiting = Report.objects.filter(state__in=WAITING).exclude(assessments__current=True)
    return list(waiting.order_by("submitted_at")[:limit])


def outdated(limit: int = 100) -> list[Report]:
    """Sent, sorted by the rules, and she has answered or given something since: the rules look once more."""
    answered, given = (
        Exists(rows.objects.filter(report=OuterRef("report"), at__gt=OuterRef("at")))
        for rows in (Answer, EvidenceItem)
    )
    sorted_before = Assessment.objects.filter(answered | given, current=True).exclude(
        report__news_at=None
    )
    return [
        row.report
        for row in sorted_before.select_related("report").order_by("report__news_at")[:limit]
    ]


def news(limit: int = 50) -> list[QueueLine]:
    """Decided about already, and she has added something that nobody has read: most dangerous first, then the oldest."""
    rows = list(
        Report.objects.exclude(news_at=None)
        .exclude(state__in=[*WAITING, *Report.GONE])
        .order_by("news_at")[:1000]
    )
    current = {
        row.report_id: row for row in Assessment.objects.filter(current=True, report__in=rows)
    }
    found = [(report, current.get(report.pk)) for report in rows]
    found.sort(key=lambda pair: pair[1].band if pair[1] else priority.P0)
    return _lines(found[:limit])


def waiting(after: After | None = None) -> list[QueueLine]:
    """Ordered by band, then by who has waited longest. Reports the rules have not reached yet come first of all."""
    rows = (
        Assessment.objects.filter(current=True, report__state__in=WAITING)
        .select_related("report")
        .order_by("band", "report__submitted_at", "report_id")
    )
    if after:
        rows = rows.extra(
            where=[
                "(cases_assessment.band, reporting_report.submitted_at, cases_assessment.report_id) > (%s, %s, %s)"
            ],
            params=[after.band, after.submitted_at, after.report],
        )
    found: list[tuple[Report, Assessment | None]] = (
        [] if after else [(report, None) for report in unassessed()]
    )
    found += [(row.report, row) for row in rows[:PAGE]]
    return _lines(found)


def _lines(found: list[tuple[Report, Assessment | None]]) -> list[QueueLine]:
    ids = [report.pk for report, _assessment in found]
    types: dict[str, list[str]] = {}
    for report_id, code in Incident.objects.filter(report_id__in=ids).values_list(
        "report_id", "reported_type"
    ):
        types.setdefault(report_id, []).append(code)
    counts: dict[str, int] = {}
    for (report_id,) in EvidenceItem.objects.filter(report_id__in=ids).values_list("report_id"):
        counts[report_id] = counts.get(report_id, 0) + 1
    return [
        QueueLine(report, assessment, types.get(report.pk, []), counts.get(report.pk, 0))
        for report, assessment in found
    ]


def could_not_assess(report: Report) -> Assessment:
    """Silence is not safety: what the rules cannot open goes to the top, once, and a person looks."""
    by = job("assess")
    reasons = [
        {
            "rule": "unopened",
            "band": priority.P0,
            "reason": "Our computer could not open it: a person must look now",
        }
    ]
    with transaction.atomic():
        Assessment.objects.filter(report=report, current=True).update(current=False)
        assessment = Assessment.objects.create(
            report=report, band=priority.P0, reasons=reasons, actionability=0, by=by
        )
        record(
            report.pk,
            "report:banded",
            actor=by,
            detail={"band": priority.P0, "rules": ["unopened"]},
        )
    return assessment


def assess(report: Report) -> Assessment:
    """The rules' look, by the computer: opens the answers against an event, keeps band and reasons. Also proves that the
    office's wrap opens: a wrong partner_key is found on the first report.

    What she adds later may raise the band and never lowers it: whoever found her code could say that she is safe. Only a person
    lowers it, and what that person knew does not raise it again."""
    by = job("assess")
    secret = evidence.office_key(report.pk, "report:assessed", detail={"rules": priority.RULES_VERSION}, by=by,
                                 look=("Our computer", "sorted it by urgency"))  # fmt: skip
    Pulse.objects.update_or_create(name=Pulse.WRAP_OPENED, defaults={"at": timezone.now()})
    counts = dict.fromkeys(EvidenceItem.Kind, 0)
    for kind in EvidenceItem.objects.filter(report=report).values_list("kind", flat=True):
        counts[EvidenceItem.Kind(kind)] += 1
    facts = priority.Facts(
        people.latest_answers(report, secret),
        links=counts[EvidenceItem.Kind.LINK],
        accounts=counts[EvidenceItem.Kind.ACCOUNT],
        files=counts[EvidenceItem.Kind.FILE],
    )
    band, reasons = priority.score(facts)
    with transaction.atomic():
        before = Assessment.objects.select_for_update().filter(report=report, current=True).first()
        if before:
            new = [one for one in reasons if one not in before.reasons]
            band, reasons = (
                min([before.band, *(one["band"] for one in new)]),
                [*new, *before.reasons],
            )
        Assessment.objects.filter(report=report, current=True).update(current=False)
        assessment = Assessment.objects.create(
            report=report,
            band=band,
            reasons=reasons,
            said=before.said if before else b"",
            actionability=priority.actionability(facts),
            by=by,
        )
        record(
            report.pk,
            "report:banded",
            actor=by,
            detail={"band": band, "rules": [reason["rule"] for reason in reasons]},
        )
    return assessment
