"""The keys that the opener gave: what it reads and writes of the ledger (`vault.opener.Books`).

Each key is an act of the opener's own chain, whose `object_sha256` is the leaf of the opening act,
so a key that was given cannot be removed, dated or moved to another act any more than other acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reporting import acts
from reporting.custody import events
from reporting.custody.models import CustodyEvent
from reporting.custody.record import UnknownSubject, founding
from reporting.vault.opener import OpeningEvent, Refused

CHAIN = "O-000000000000"
_GIVE = """
    SELECT given.id FROM public.custody_custodyevent act
    CROSS JOIN LATERAL public.custody_append(
        %s, 'key:given', %s, %s, decode(act.leaf, 'hex'), sha256(''), '', '', NULL) given
    WHERE act.id = %s
"""
_STRAYS = """
    SELECT given.id FROM public.custody_custodyevent given
    LEFT JOIN public.custody_custodyevent act ON act.leaf = given.object_sha256
        AND act.event = ANY (%s) AND act.actor = given.actor
        AND given.at >= act.at - interval '10 seconds'
    WHERE given.event = 'key:given' AND act.id IS NULL ORDER BY 1
"""


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
    """Record that the key is given. False when it was given before."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_GIVE, [CHAIN, actor, CHAIN, event_id])
            return cursor.fetchone() is not None
    except IntegrityError:
        return False


def used_since(actors: str, since: timedelta) -> int:
    """How many keys were given to actors whose id begins so."""
    given = CustodyEvent.objects.filter(event="key:given", at__gte=timezone.now() - since)
    return given.filter(actor__startswith=actors).count()


def strays() -> Iterator[str]:
    """Keys that were given for no opening act of that actor."""
    with connection.cursor() as cursor:
        cursor.execute(_STRAYS, [sorted(acts.OPENING)])
        for (event_id,) in cursor.fetchall():
            yield f"event {event_id}: a key was given, and for no opening act of this actor"


def faults() -> Iterator[str]:
    """What the nightly job finds: the opener's chain against itself, the opening acts and the tree.
    What was rewritten as a whole is found by `verify_ledger`."""
    if broken := events.chain_fault(events.stream(CHAIN)):
        yield f"{CHAIN}: {broken}"
    yield from (f"event {key.id}: {key.fault}" for key in events.stream(CHAIN) if key.fault)
    yield from strays()
    yield from events.gone()
