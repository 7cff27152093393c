"""Closing a thing to everybody because it may show a child: a file, link, account, answer or
message.

From that act on nothing opens, previews, copies, hashes, exports or erases it, on any path, until
the operator's named officer decides with a second person (`cases.casework.quarantine`).
"""

from __future__ import annotations

from django.db import connection, transaction

from reporting.actors import REPORTER, Actor
from reporting.custody.record import record
from reporting.models import Quarantine


def close(report_id: str, thing: str, *, reason: str, by: Actor = REPORTER) -> bool:
    """Quarantine one thing of a report, by its id; False when it is closed already. The caller
    holds the report's lock."""
    with transaction.atomic():
        rows = Quarantine.objects.filter(thing=thing)
        listed = rows.exclude(state=Quarantine.State.RELEASED).exists()
        if listed and thing in closed(report_id):
            return False
        if not rows.update(state=Quarantine.State.CLOSED):
            Quarantine.objects.create(thing=thing, report_id=report_id)
        record(report_id, "evidence:quarantined", actor=by, detail={"reason": reason}, about=thing)
    return True


def closed(report_id: str) -> frozenset[str]:
    """The ids of everything of a report that nobody may open, by the acts: a row that is gone or
    says otherwise opens nothing."""
    return frozenset(
        thing for thing, state in states(report_id).items() if state != Quarantine.State.RELEASED
    )


def states(report_id: str) -> dict[str, str]:
    """Thing → the state that the newest act about it gives, of everything ever quarantined."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT thing, state FROM public.reporting_quarantined(%s)", [report_id])
        return dict(cursor.fetchall())
