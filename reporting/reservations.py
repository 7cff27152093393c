"""What running uploads will take, counted before their first byte: the quota of a report holds
for all of them together.

The rows are shared by every process of the upload pool. One that a killed process left behind
ends by itself.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from reporting.models import EvidenceItem, Report, UploadReservation

AT_ONCE = 4  # uploads of one report; a browser's form makes one
LASTS = timedelta(minutes=10)


class QuotaReached(Exception):
    """With what is kept and what is on its way, this would be more than one report may hold."""


class TooManyAtOnce(Exception):
    """As many uploads of this report are running as may run at once."""


def reserve(report: Report, size: int) -> UploadReservation:
    """`size`: bytes declared for the whole request. Raises QuotaReached, TooManyAtOnce."""
    now = timezone.now()
    with transaction.atomic():
        report.hold()  # one decision at a time
        _release(None)
        running = UploadReservation.objects.filter(report_id=report.pk).aggregate(
            number=Count("pk"), bytes=Sum("bytes", default=0)
        )
        if running["number"] >= AT_ONCE:
            raise TooManyAtOnce
        kept = EvidenceItem.objects.filter(report=report).aggregate(
            bytes=Sum("ciphertext_size", default=0)
        )
        if kept["bytes"] + running["bytes"] + size > settings.DRAFT_QUOTA_BYTES:
            raise QuotaReached
        return UploadReservation.objects.create(report_id=report.pk, bytes=size, until=now + LASTS)


def renew(reservation: UploadReservation) -> None:
    """For an upload that goes on: called more often than a reservation lasts."""
    UploadReservation.objects.filter(pk=reservation.pk).update(until=timezone.now() + LASTS)


def release(reservation: UploadReservation) -> None:
    _release(reservation.pk)


def _release(reservation: int | None) -> None:
    """With it go those that ended by themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_release(%s)", [reservation])
