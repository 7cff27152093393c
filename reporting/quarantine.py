"""Closing a thing to everybody because it may show a child: a file, link, account, answer or
message.

From that act on nothing opens, previews, copies, hashes, exports or erases it, on any path, until
the operator's named officer decides with a second person (`cases.casework.quarantine`).
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from reporting.actors import REPORTER, Actor
from reporting.custody.record import record
from reporting.models import Quarantine

OPEN_AGAIN = frozenset({Quarantine.State.RELEASED})


def close(report_id: str, thing: str, *, reason: str, by: Actor = REPORTER) -> bool:
    """Quarantine one thing of a report, by its id; False when it is closed already. Inside the
    caller's transaction or not."""
    with transaction.atomic():
        again = Quarantine.objects.filter(thing=thing, state=Quarantine.State.RELEASED)
        if not again.update(state=Quarantine.State.CLOSED) and not _new(report_id, thing):
            return False
        record(report_id, "evidence:quarantined", actor=by, detail={"reason": reason}, about=thing)
    return True


def closed(report_id: str) -> frozenset[str]:
    """The ids of everything of a report that nobody may open."""
    rows = Quarantine.objects.filter(report_id=report_id).exclude(state__in=OPEN_AGAIN)
    return frozenset(rows.values_list("thing", flat=True))


def is_closed(thing: str) -> bool:
    return Quarantine.objects.filter(thing=thing).exclude(state__in=OPEN_AGAIN).exists()


def _new(report_id: str, thing: str) -> bool:
    try:
        with transaction.atomic():
            Quarantine.objects.create(thing=thing, report_id=report_id)
    except IntegrityError:
        return False
    return True
