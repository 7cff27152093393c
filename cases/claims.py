"""Claiming work: any number of workers look for what waits, and each piece is done by one of them
at a time.

A claim is a row with an end. Who finds it unexpired leaves the work alone; a worker that was killed
loses its claim when the lease runs out, and the next sweep does the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from cases.models import Claim

LEASE = timedelta(minutes=5)
BUILD_LEASE = timedelta(hours=2)
AGAIN_AFTER = timedelta(minutes=10)


@contextmanager
def claim(work: str, lease: timedelta = LEASE) -> Iterator[bool]:
    """Whether this worker got the work; released at the end. `work` names it, such as "assess
    R-…"."""
    until = _take(work, lease)
    if until is None:
        yield False
        return
    try:
        yield True
    finally:
        # not the claim of another worker, that took the work when this one's lease had run out
        Claim.objects.filter(work=work, until=until).delete()


def put_off(work: str) -> None:
    """Claimed work that failed: nobody claims it again before AGAIN_AFTER, so that what cannot be
    done does not stand before what can."""
    Claim.objects.filter(work=work).update(until=timezone.now() + AGAIN_AFTER)


def held(kind: str) -> set[str]:
    """Whose work of this kind is being done or was put off: the names without the kind."""
    works = Claim.objects.filter(work__startswith=f"{kind} ", until__gt=timezone.now())
    return {work.partition(" ")[2] for work in works.values_list("work", flat=True)}


def _take(work: str, lease: timedelta) -> datetime | None:
    """The end of the lease, or None where another worker holds the work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.cases_claim AS claim (work, until) VALUES (%s, clock_timestamp() "
            "+ make_interval(secs => %s)) "
            "ON CONFLICT (work) DO UPDATE SET until = excluded.until WHERE claim.until < "
            "clock_timestamp() "
            "RETURNING until",
            [work, lease.total_seconds()],
        )
        row = cursor.fetchone()
        return row[0] if row else None
