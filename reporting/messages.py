"""Messages between her and the office, sealed to the report's key both ways."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reporting import evidence, news
from reporting.actors import Actor
from reporting.custody.record import founding, record
from reporting.models import Message, Report
from reporting.vault.fields import seal_text
from reporting.vault.keys import Secret


@dataclass(frozen=True)
class OpenMessage:
    from_office: bool
    text: str
    at: datetime
    new: bool


def post(report: Report, text: str, *, from_office: bool, by: Actor) -> Message:
    sealed = seal_text(text, founding(report.id).public_key)
    with transaction.atomic():
        message = Message.objects.create(report=report, from_office=from_office, sealed=sealed)
        if not from_office:
            news.note(report)
        detail = {
            "message": message.id,
            "from_office": from_office,
            "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
        }
        record(report.id, "message:posted", actor=by, detail=detail)
    return message


def thread(
    report: Report, secret: Secret, *, news_since: datetime | None = None
) -> list[OpenMessage]:
    """All messages, or with `news_since` only what is unread from the office, or was written or first read since then."""
    rows = Message.objects.filter(report=report).order_by("at", "id")
    if news_since:
        rows = rows.filter(
            Q(from_office=True, read_at=None)
            | Q(from_office=True, read_at__gte=news_since)
            | Q(at__gte=news_since)
        )
    return [
        OpenMessage(
            row.from_office, evidence.open_text(row.sealed, secret), row.at, new=row.read_at is None
        )
        for row in rows
    ]


def mark_read(report: Report, *, from_office: bool, by: Actor) -> None:
    """The other side has seen them. Recorded once per message, because `read` is a fact she may rely on."""
    with transaction.atomic():
        unread = Message.objects.filter(report=report, from_office=from_office, read_at=None)
        names = list(unread.values_list("id", flat=True))
        if names and unread.update(read_at=timezone.now()):
            record(report.id, "message:read", actor=by, detail={"messages": names})
