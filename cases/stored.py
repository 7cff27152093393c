"""Hand-overs and cases as the ledger holds them: each act that changes one names the hash of its
rows, taken by the database (`schema.sql`).

A change begins with `holding` or `holding_case`, so that rows that somebody else has changed are
never taken over by an act of ours: what is not as recorded is frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from cases.errors import NotAsRecorded


def handover_sha256(referral: str) -> bytes:
    """Of a referral with the partner's key, its package and its disclosure, by the referral's
    id."""
    return bytes(_ask("cases_handover_sha256", referral))


def case_sha256(case: str) -> bytes:
    """Of a case with the list of its reports."""
    return bytes(_ask("cases_case_sha256", case))


def handover_recorded(referral: str) -> bool:
    return bool(_ask("cases_handover_recorded", referral))


def case_recorded(case: str) -> bool:
    return bool(_ask("cases_case_recorded", case))


@contextmanager
def holding(referral: str) -> Iterator[None]:
    """A transaction that changes a hand-over. Raises NotAsRecorded."""
    with transaction.atomic():
        check_handover(referral)
        yield


@contextmanager
def holding_case(case: str) -> Iterator[None]:
    """A transaction that changes a case. Raises NotAsRecorded."""
    with transaction.atomic():
        if not case_recorded(case):
            raise NotAsRecorded("This case is not as it was recorded. It is frozen.")
        yield


def check_handover(referral: str) -> None:
    """Raises NotAsRecorded."""
    if not handover_recorded(referral):
        raise NotAsRecorded("This referral is not as it was recorded. It is frozen.")


def _ask(function: str, thing: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT public.{function}(%s)", [thing])
        return cursor.fetchone()[0]
