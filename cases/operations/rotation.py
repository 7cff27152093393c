"""Rotating the office key: every report and case is wrapped anew for the public_keys now in force; the evidence is not touched.

Order: 1. `ceremony` in a new folder. 2. The opener's key file gets the new key's line beside the old one; `office-public-keys` names the new
public_keys only; restart opener, public door, staff door and worker. 3. `renew`. 4. `drop_old`, then take the old line out of the opener's file.
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
    """Some report or case has no wrap for the public_keys in force; dropping the old ones would lose it."""


def waiting(limit: int = 1000) -> list[str]:
    """Subjects that have office wraps, but not one for every public_key in force."""
    wanted = intake.office_public_keys()
    complete = set(OfficeWrap.objects.values_list("subject", flat=True).distinct())
    for public_key in wanted:
        complete &= set(
            OfficeWrap.objects.filter(public_key=public_key).values_list("subject", flat=True)
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
    there = set(OfficeWrap.objects.filter(subject=subject).values_list("public_key", flat=True))
    with transaction.atomic():
        added = [
            public_key for public_key in intake.office_public_keys() if public_key not in there
        ]
        for public_key in added:
            OfficeWrap.objects.create(
                subject=subject, public_key=public_key, wrapped=keys.wrap(secret, public_key)
            )
        record(subject, "wrap:added", actor=by, detail={"public_keys": [str(one) for one in added]})


def drop_old(*, by: Actor) -> int:
    """Remove the wraps of public_keys no longer in force; how many. Raises NotRenewedYet and changes nothing while one is missing."""
    if missing := waiting(limit=1):
        raise NotRenewedYet(
            f"{missing[0]} has no wrap for the public_keys in force. Renew first; nothing was dropped."
        )
    with transaction.atomic():
        old = OfficeWrap.objects.exclude(public_key__in=intake.office_public_keys())
        for subject in old.values_list("subject", flat=True).distinct():
            record(subject, "wrap:dropped", actor=by, detail={})
        return old.delete()[0]
