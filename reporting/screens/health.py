"""Whether this door can keep what it takes, for the operator's monitor. Says nothing of what is in
it."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from reporting import evidence
from reporting.models import Pulse, Report

OPENED_WITHIN = timedelta(minutes=5)


def ready(request: HttpRequest) -> JsonResponse:
    """503 when the database does not answer, or when reports are waiting that the office has not
    been able to open."""
    try:
        pulse = Pulse.objects.filter(name=Pulse.WRAP_OPENED).first()
        oldest = (
            Report.objects.filter(state=Report.State.RECEIVED)
            .order_by("submitted_at")
            .values_list("submitted_at", flat=True)
            .first()
        )
    except DatabaseError:
        return JsonResponse({"ready": False, "reason": "database"}, status=503)
    opened_at = pulse.at if pulse else None
    late = (
        oldest is not None
        and timezone.now() - oldest > OPENED_WITHIN
        and (opened_at is None or opened_at < oldest)
    )
    found = {
        "ready": not late,
        "takes_files": evidence.store().free_bytes() > 0,
        "office_opened_a_report_at": opened_at.isoformat() if opened_at else None,
    }
    if late:
        found["reason"] = (
            "the office cannot open what arrives: is the opener running, are the recipients right?"
        )
    return JsonResponse(found, status=503 if late else 200)
