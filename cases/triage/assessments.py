"""Keeping an assessment together with the act that records it, and reading it back.

The act names the band (`B-` and the rest of the report's id), and as its object's hash SHA-256 of
band, actionability, author, reasons and the report's harms that lists show (`cases_band_sha256`).
The newest such act of a report decides: a current row that is not its, or is gone, is shown as one
marked line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from cases.models import Assessment
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import Report

NOT_AS_RECORDED = "its band is not as recorded"


def keep(
    report: Report,
    act: str,
    *,
    band: int,
    reasons: list[dict[str, Any]],
    actionability: int,
    detail: dict[str, Any],
    by: Actor,
) -> Assessment:
    """The report's current assessment from now on; earlier ones stay beside it."""
    with transaction.atomic(), connection.cursor() as cursor:
        Assessment.objects.filter(report=report, current=True).update(current=False)
        cursor.execute(
            "SELECT public.cases_band_sha256(%s, %s::int2, %s::int2, %s, %s::jsonb)",
            [report.pk, band, actionability, by, json.dumps(reasons)],
        )
        sha256 = bytes(cursor.fetchone()[0])
        recorded = record(
            report.pk,
            act,
            actor=by,
            detail={"band": band, **detail},
            about=f"B-{report.pk.removeprefix('R-')}",
            about_sha256=sha256,
        )
        return Assessment.objects.create(
            report=report,
            band=band,
            reasons=reasons,
            actionability=actionability,
            by=by,
            at=recorded.at,
        )


def not_as_recorded(reports: Iterable[str]) -> frozenset[str]:
    """Those of these reports whose current assessment, or its absence, is not what the newest act
    says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT report FROM unnest(%s::text[]) AS report "
            "WHERE NOT public.cases_assessment_recorded(report)",
            [list(reports)],
        )
        return frozenset(report for (report,) in cursor.fetchall())
