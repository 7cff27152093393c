"""What the opener may read of the ledger: see `reporting.vault.opener.Books`."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reporting import acts
from reporting.custody.models import CustodyEvent, CustodyOpening
from reporting.custody.record import UnknownSubject, founding
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
        subject=row.subject,
        actor=row.actor,
        door=row.door,
        opens=row.event in acts.OPENING,
        in_force_only=row.event == "wrap:checked",
        age=age,
        public_key=public_key,
    )


def use(event_id: int, actor: str) -> bool:
    try:
        with transaction.atomic():
            CustodyOpening.objects.create(event_id=event_id, actor=actor)
    except IntegrityError:
        return False
    return True


def used_since(actors: str, since: timedelta) -> int:
    """How many keys were given to actors whose id begins so."""
    recent = CustodyOpening.objects.filter(at__gte=timezone.now() - since)
    return recent.filter(actor__startswith=actors).count()
