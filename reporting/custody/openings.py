"""What the opener may read of the ledger: see `reporting.vault.opener.Books`."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reporting.custody.models import CustodyEvent, CustodyOpening
from reporting.custody.record import OPENING_EVENTS, UnknownSubject, founding
from reporting.vault.opener import OpeningEvent, Refused


def find(event_id: int) -> OpeningEvent | None:
    """Raises Refused when the subject's public key was swapped."""
    row = CustodyEvent.objects.filter(id=event_id).first()
    if row is None:
        return None
    with connection.cursor() as cursor:  # one clock: the database's, which stamped the event
        cursor.execute("SELECT clock_timestamp() - %s", [row.at])
        age: timedelta = cursor.fetchone()[0]
    try:
        public_key = founding(row.subject).public_key
    except UnknownSubject:
        raise Refused("the public key of this report is not the one that was recorded") from None
    return OpeningEvent(
        row.subject, row.actor, row.door, row.event in OPENING_EVENTS, age, public_key
    )


def use(event_id: int, actor: str) -> bool:
    try:
        with transaction.atomic():
            CustodyOpening.objects.create(event_id=event_id, actor=actor)
    except IntegrityError:
        return False
    return True


def used_since(actor: str, since: timedelta) -> int:
    return CustodyOpening.objects.filter(actor=actor, at__gte=timezone.now() - since).count()
