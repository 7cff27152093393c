"""Rotating the office key: every report and case is wrapped anew for the recipients now in force; the evidence is not touched.

Order: 1. `ceremony` in a new folder. 2. The opener's key file gets the new key's line beside the old one; `office-recipients` names the new
recipients only; restart opener, public door, staff door and worker. 3. `renew`. 4. `drop_old`, then take the old line out of the opener's file.
Rotation protects the future: whoever had the old key and an old backup still opens what was in it.
"""

from __future__ import annotations

from django.db import transaction

from cases.models import Case
from reporting import evidence, intake
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import OfficeWrap, Report
from reporting.vault import keys


class NotRenewedYet(Exception):
    """Some report or case has no wrap for the recipients in force; dropping the old ones would lose it."""


def waiting(limit: int = 1000) -> list[str]:
    """Subjects that have office wraps, but not one for every recipient in force."""
    wanted = intake.office_recipients()
    complete = set(OfficeWrap.objects.values_list("subject", flat=True).distinct())
    for recipient in wanted:
        complete &= set(
            OfficeWrap.objects.filter(recipient=recipient).values_list("subject", flat=True)
        )
    sent = (
        Report.objects.exclude(state__in=[Report.State.DRAFT, Report.State.ERASED])
        .order_by("id")
        .values_list("id", flat=True)
    )
    subjects = [
        *sent.iterator(),
        *Case.objects.order_by("id").values_list("id", flat=True).iterator(),
    ]
    return [subject for subject in subjects if subject not in complete][:limit]


def renew(subject: str, *, by: Actor) -> None:
    """A few hundred bytes for one subject. Raises reporting.vault.opener.Refused."""
    secret = evidence.office_key(subject, "wrap:renewed", detail={}, by=by)
    there = set(OfficeWrap.objects.filter(subject=subject).values_list("recipient", flat=True))
    with transaction.atomic():
        added = [recipient for recipient in intake.office_recipients() if recipient not in there]
        for recipient in added:
            OfficeWrap.objects.create(
                subject=subject, recipient=recipient, wrapped=keys.wrap(secret, recipient)
            )
        record(subject, "wrap:added", actor=by, detail={"recipients": [str(one) for one in added]})


def drop_old(*, by: Actor) -> int:
    """Remove the wraps of recipients no longer in force; how many. Raises NotRenewedYet and changes nothing while one is missing."""
    if missing := waiting(limit=1):
        raise NotRenewedYet(
            f"{missing[0]} has no wrap for the recipients in force. Renew first; nothing was dropped."
        )
    with transaction.atomic():
        old = OfficeWrap.objects.exclude(recipient__in=intake.office_recipients())
        for subject in old.values_list("subject", flat=True).distinct():
            record(subject, "wrap:dropped", actor=by, detail={})
        return old.delete()[0]
