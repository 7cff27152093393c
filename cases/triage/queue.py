"""What waits for staff, and what waits for the rules. Both are queries over reports and
assessments; there is no separate queue to keep in step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from cases.models import Assessment
from cases.triage import assessments, priority
from reporting import answers, evidence, incidents, on_record, sent
from reporting.actors import job
from reporting.custody.record import record
from reporting.models import EvidenceItem, Incident, Pulse, Report

WAITING = (Report.State.RECEIVED, Report.State.IN_TRIAGE, Report.State.NEEDS_ANSWER)
PAGE = 50
AGAIN_AFTER = timedelta(
    seconds=5
)  # a report that is added to without pause is opened so often and no more


@dataclass(frozen=True)
class QueueLine:
    """A line of the queue, from what is stored unsealed: `types` are harm codes, `items` a
    number.

    `fault`: why it is a marked line (its band is not as recorded, or its reporter did not send it),
    or an empty text.
    """

    report: Report
    assessment: Assessment | None
    types: list[str]
    items: int
    fault: str


@dataclass(frozen=True)
class After:
    """The last line of the page before: a keyset, so no page needs an OFFSET."""

    band: int
    submitted_at: datetime
    report: str


def unassessed(limit: int = 100, *, but: Collection[str] = ()) -> list[Report]:
    """Received and not yet assessed by the rules, oldest first, without those of `but`."""
    waiting = Report.objects.filter(state__in=WAITING).exclude(assessments__current=True)
    return list(waiting.exclude(pk__in=but).order_by("submitted_at")[:limit])


def outdated(limit: int = 100, *, but: Collection[str] = ()) -> list[Report]:
    """Assessed a while ago, and the reporter has added something since: to be assessed again."""
    rested = timezone.now() - AGAIN_AFTER
    stale = Assessment.objects.filter(current=True, at__lt=rested, report__news_at__gt=F("at"))
    oldest = (
        stale.exclude(report__in=but).select_related("report").order_by("report__news_at")[:limit]
    )
    return [assessment.report for assessment in oldest]


def needs_assessment(report: Report) -> bool:
    """Asked again under the claim: another worker may have been faster."""
    current = Assessment.objects.filter(report=report, current=True).first()
    if report.state in Report.GONE:
        return False
    return (current is None and report.state in WAITING) or bool(
        current and report.news_at and report.news_at > current.at
    )


def news(limit: int = 50) -> list[QueueLine]:
    """Decided about, and the reporter has added something that nobody has read: most dangerous
    first, then the oldest."""
    decided = Report.objects.exclude(news_at=None).exclude(state__in=[*WAITING, *Report.GONE])
    reports = list(decided.order_by("news_at")[:1000])
    rows = Assessment.objects.filter(current=True, report__in=reports)
    current = {assessment.report_id: assessment for assessment in rows}
    pairs = [(report, current.get(report.pk)) for report in reports]
    pairs.sort(key=lambda pair: pair[1].band if pair[1] else priority.P0)
    return _lines(pairs[:limit])


def waiting(after: After | None = None) -> list[QueueLine]:
    """One page: by band, then by who has waited longest. The first page begins with up to 100
    reports that the rules have not assessed yet, beside its PAGE lines."""
    current = (
        Assessment.objects.filter(current=True, report__state__in=WAITING)
        .select_related("report")
        .order_by("band", "report__submitted_at", "report_id")
    )
    pairs: list[tuple[Report, Assessment | None]] = []
    if after:
        current = current.filter(
            _follows(
                ("band", after.band),
                ("report__submitted_at", after.submitted_at),
                ("report_id", after.report),
            )
        )
    else:
        pairs += [(report, None) for report in unassessed()]
    pairs += [(assessment.report, assessment) for assessment in current[:PAGE]]
    return _lines(pairs)


def set_aside_unsent(report: Report) -> None:
    """For the worker: a report that its reporter did not send. Raises NotSentByReporter where a
    person has it in hand already."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_set_aside(%s)", [report.pk])
        if not cursor.fetchone()[0]:
            raise sent.NotSentByReporter
        record(report.pk, "report:not_sent", actor=job("assess"), detail={})


def set_aside() -> list[QueueLine]:
    """The newest 50 that their reporters did not send."""
    reports = Report.objects.filter(state=Report.State.NOT_SENT).order_by("-submitted_at")[:50]
    return _lines([(report, None) for report in reports])


def _follows(*key: tuple[str, Any]) -> Q:
    """Rows after `key` in the ascending order of its columns: SQL's (a, b) > (x, y), written as
    a > x OR (a = x AND b > y), because the ORM has no public form of the row comparison."""
    follows, equal = Q(), Q()
    for column, value in key:
        follows |= equal & Q(**{f"{column}__gt": value})
        equal &= Q(**{column: value})
    return follows


def _lines(pairs: list[tuple[Report, Assessment | None]]) -> list[QueueLine]:
    ids = [report.pk for report, _assessment in pairs]
    incidents = Incident.objects.filter(report_id__in=ids)
    types: dict[str, list[str]] = {}
    for report_id, code in incidents.values_list("report_id", "reported_type"):
        types.setdefault(report_id, []).append(code)
    items = EvidenceItem.objects.filter(report_id__in=ids)
    counts = dict(items.values_list("report_id").annotate(Count("pk")))
    faults = dict.fromkeys(assessments.not_as_recorded(ids), assessments.NOT_AS_RECORDED)
    faults |= dict.fromkeys(set(ids) - sent.by_reporter(ids), sent.NOT_BY_REPORTER)
    return [
        QueueLine(
            report,
            assessment,
            types.get(report.pk, []),
            counts.get(report.pk, 0),
            faults.get(report.pk, ""),
        )
        for report, assessment in pairs
    ]


def could_not_assess(report: Report) -> Assessment:
    """P0, because a report that cannot be opened may be the most urgent one. Not tried again before
    the reporter adds something."""
    reason = {
        "rule": "unopened",
        "band": priority.P0,
        "reason": "Our computer could not open it: a person must look now",
    }
    return assessments.keep(
        report,
        "report:banded",
        band=priority.P0,
        reasons=[reason],
        actionability=0,
        detail={"rules": ["unopened"]},
        by=job("assess"),
    )


def assess(report: Report) -> Assessment:
    """Open the answers against an event, apply the rules, keep band and reasons.

    A later assessment may raise the band and never lowers it: somebody who got hold of the return
    code could add answers that sound safe. Only a person lowers it, and reasons that were known
    then do not raise it again. What the band was before is what the ledger says. Raises
    reporting.vault.opener.Refused.
    """
    by = job("assess")
    secret = evidence.office_key(
        report.pk,
        "report:assessed",
        detail={"rules": priority.RULES_VERSION},
        by=by,
    )
    # The opener opened an office wrap. Monitoring reads this: wrong public keys show early.
    Pulse.objects.update_or_create(name=Pulse.WRAP_OPENED, defaults={"at": timezone.now()})
    known = on_record.of(report.pk, secret)
    given = answers.read(known.answers, secret)
    kinds = [entry.row.kind for entry in known.items if entry.row and not entry.fault]
    facts = priority.Facts(
        answers.latest(given),
        links=kinds.count(EvidenceItem.Kind.LINK),
        accounts=kinds.count(EvidenceItem.Kind.ACCOUNT),
        files=kinds.count(EvidenceItem.Kind.FILE),
    )
    band, reasons = priority.score(facts)
    with transaction.atomic():
        before = Assessment.objects.select_for_update().filter(report=report, current=True).first()
        if assessments.not_as_recorded([report.pk]):
            band = min([band, *_bands_on_record(known)])
        elif before:
            new = [reason for reason in reasons if reason not in before.reasons]
            band = min([before.band, *(reason["band"] for reason in new)])
            reasons = [*new, *before.reasons]
        incidents.note(report, facts.answers.get("what") or [])
        return assessments.keep(
            report,
            "report:banded",
            band=band,
            reasons=reasons,
            actionability=priority.actionability(facts),
            detail={"rules": [reason["rule"] for reason in reasons]},
            by=by,
        )


def _bands_on_record(known: on_record.OnRecord) -> list[int]:
    """The band that the newest act gave; empty before the first."""
    acts = [act for act in known.believed if act.name in {"report:banded", "report:band_changed"}]
    detail = known.details.get(acts[-1].id) if acts else None
    return [int(detail["band"])] if detail else []
