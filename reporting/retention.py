"""How long what is kept is kept. A draft that nobody has touched for long can afterwards be read by
nobody."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from reporting import evidence, stored
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import EvidenceItem, Report


def expire_drafts(*, by: Actor) -> int:
    """Forget every draft that was idle for DRAFT_DAYS; how many. A draft that holds something
    quarantined stays."""
    since = timezone.now() - timedelta(days=settings.DRAFT_DAYS)
    old = Report.objects.filter(state=Report.State.DRAFT, started_at__lt=since).order_by(
        "started_at"
    )
    forgotten, failures = 0, list[Exception]()
    for report_id in old.values_list("id", flat=True):
        try:
            forgotten += _expire(report_id, by=by)
        except Exception as failure:  # one that cannot be forgotten keeps none of the others
            failures.append(failure)
    if failures:
        raise failures[0]
    return forgotten


def _expire(report_id: str, *, by: Actor) -> bool:
    """The rows' deletion is committed only when the bytes are gone: a kill in between leaves work
    for the next night."""
    names = list(
        EvidenceItem.objects.filter(report=report_id)
        .exclude(vault_name="")
        .values_list("vault_name", flat=True)
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.reporting_expire_draft(%s, make_interval(days => %s))",
            [report_id, settings.DRAFT_DAYS],
        )
        if not cursor.fetchone()[0]:
            return False
        record(
            report_id,
            "report:expired",
            actor=by,
            detail={},
            about_sha256=stored.report_sha256(report_id),
        )
        for name in names:
            evidence.store().remove(name)
    return True
