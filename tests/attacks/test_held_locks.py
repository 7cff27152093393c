"""A database role that holds what others wait for, for as long as it likes: it is ended before they
give up, and what no wait would end is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from cases.operations import limits
from cases.operations.acting import acting_as
from cases.referrals import emergency
from cases.reports import reading
from reporting import messages
from reporting.custody import openings, sequencer
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]
Roles = dict[str, psycopg.Connection]
_INTERNET = ("public", "partner")
HELD = {
    "every report": "SELECT id FROM reporting_report FOR UPDATE",
    "every chain": "SELECT custody_head(id) FROM reporting_report",
}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every transaction of a bounded role is overdue."""
    none = {
        role: replace(bound, transaction=bound.transaction and 0)
        for role, bound in limits.LIMITS.items()
    }
    with connection.cursor() as cursor:
        with monkeypatch.context() as patch:
            patch.setattr(limits, "LIMITS", none)
            limits.bound_transactions(cursor)
        yield
        limits.bound_transactions(cursor)


def hold(session: psycopg.Connection, statement: str) -> None:
    session.execute("SET idle_in_transaction_session_timeout = 0")
    session.execute("BEGIN")
    session.execute(statement.encode())


@contextmanager
def impatient() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        yield
        cursor.execute("RESET lock_timeout")


@pytest.mark.parametrize("what", HELD)
def test_who_holds_what_the_office_needs_is_ended(as_role: Roles, at_once: None, what: str) -> None:
    visit, by = factories.sent(), factories.staff("supervisor")
    case = factories.case(factories.sent(), by)

    def tell() -> None:
        emergency.tell(
            case,
            visit.report,
            told_to="112",
            called_back="112",
            said="now",
            threat_to_life=True,
            by=by,
        )

    acts: list[Callable[[], object]] = [tell, lambda: messages.write(visit, "help")]
    hold(as_role["public"], HELD[what])
    for act in acts:
        with impatient(), pytest.raises(OperationalError, match="lock timeout"):
            act()
    with acting_as("sequencer"):
        assert limits.end_overdue() == ["holdfast_public"]
    for act in acts:
        act()
    factories.sweep()
    assert visit.report.assessments.filter(current=True).exists()


def test_who_takes_too_many_locks_is_ended(as_role: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each open savepoint that wrote holds one, and the lock table is one for the server: full, it
    lets nobody connect."""
    factories.sent()
    for door in ("public", "partner"):
        hold(as_role[door], "SELECT 1")
    for _ in range(limits.LOCKS + 1):
        as_role["public"].execute("SAVEPOINT another")
        as_role["public"].execute("UPDATE reporting_reportersession SET used_at = used_at")
    with acting_as("sequencer"):
        assert limits.end_overdue() == ["holdfast_public"]
    with pytest.raises(psycopg.OperationalError):
        as_role["public"].execute("SELECT 1")
    as_role["partner"].execute("SELECT 1")


def test_the_work_of_the_worker_may_last(as_role: Roles, at_once: None) -> None:
    hold(as_role["worker"], "SELECT 1")
    hold(as_role["sequencer"], "SELECT 1")
    with acting_as("sequencer"):
        assert limits.end_overdue() == []
    as_role["worker"].execute("SELECT 1")


def test_who_asks_nothing_is_not_ended(as_role: Roles, at_once: None) -> None:
    as_role["public"].execute("SELECT 1")
    with acting_as("sequencer"):
        assert limits.end_overdue() == []
    as_role["public"].execute("SELECT 1")


def test_the_staff_waits_longer_than_anybody_before_it_may_hold() -> None:
    longest = max(limits.LIMITS[f"holdfast_{door}"].transaction or 0 for door in _INTERNET)
    for waiting in ("holdfast_staff", "holdfast_worker"):
        assert longest + 10 * limits.LOOKS_EVERY < limits.LIMITS[waiting].lock
        assert limits.LIMITS[waiting].lock < limits.LIMITS[waiting].statement


def test_the_public_door_holds_no_chain_but_a_reports(as_role: Roles) -> None:
    visit, by = factories.sent(), factories.staff("supervisor")
    case = factories.case(visit, by)
    reading.open_report(visit.report, by=by)
    for chain in (case.pk, openings.CHAIN):
        as_role["public"].execute("BEGIN")
        head = as_role["public"].execute("SELECT custody_head(%s)", [chain])
        assert head.fetchone() == (None,)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT subject FROM custody_custodyhead WHERE subject = %s FOR UPDATE NOWAIT",
                [chain],
            )
            assert cursor.fetchone() == (chain,)
        as_role["public"].execute("ROLLBACK")


class _Stop(BaseException):
    pass


def test_the_sequencers_process_looks_while_it_waits_for_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = threading.Event()

    class Waiting:
        def round(self) -> None:
            assert looked.wait(30)
            raise _Stop

    monkeypatch.setattr(limits, "keep_ending_overdue", looked.set)
    monkeypatch.setattr(sequencer, "Sequencer", lambda *arguments: Waiting())
    with pytest.raises(_Stop):
        call_command("sequencer")


def test_looking_goes_on_when_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OperationalError("the connection is lost"), _Stop()])

    def end_overdue() -> None:
        raise next(answers)

    monkeypatch.setattr(limits, "end_overdue", end_overdue)
    with pytest.raises(_Stop):
        limits.keep_ending_overdue()
