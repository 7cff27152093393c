"""A draft that nobody has touched for long is forgotten, and nothing else ever is."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection

from reporting import evidence, intake, people, receipts, retention
from reporting.actors import job
from reporting.custody import verify
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, EvidenceItem, Person, Report, ReporterSession, ReturnCodeWrap
from reporting.sessions import Visit
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def draft(*, days: int = 31) -> Visit:
    """Last touched so many days ago."""
    visit = factories.draft()
    factories.file(visit)
    factories.lines(visit)
    for table, column in (
        ("report", "started_at"),
        ("answer", "at"),
        ("evidenceitem", "at"),
        ("reportersession", "used_at"),
    ):
        age(table, column, days)
    return visit


def age(table: str, column: str, days: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE reporting_{table} SET {column} = now() - make_interval(days => %s)", [days]
        )


def expire() -> int:
    return retention.expire_drafts(by=job("retention"))


def test_an_idle_draft_is_forgotten_with_its_bytes_and_the_ledger_stays_sound() -> None:
    visit = draft()
    assert evidence.store().names() != []
    assert expire() == 1
    assert expire() == 0
    assert evidence.store().names() == []
    for rows in (Answer, EvidenceItem, Person, ReporterSession, ReturnCodeWrap):
        assert not rows.objects.exists(), rows
    assert Report.objects.get().state == Report.State.ERASED
    with pytest.raises(receipts.UnknownCode):
        receipts.redeem(visit.code)
    assert CustodyEvent.objects.filter(subject=visit.report.pk, event="report:expired").count() == 1
    verify.verify([])


@pytest.mark.parametrize(
    ("table", "column"),
    [("answer", "at"), ("evidenceitem", "at"), ("reportersession", "used_at")],
    ids=["answer", "item", "visit"],
)
def test_whatever_was_touched_lately_keeps_the_draft(table: str, column: str) -> None:
    visit = draft()
    age(table, column, 29)
    assert expire() == 0
    assert people.latest_answers(visit.report, visit.secret)["words"]


def test_a_sent_report_is_never_forgotten_by_the_clock() -> None:
    visit = draft(days=4000)
    intake.submit(visit)
    assert expire() == 0
    with connection.cursor() as cursor:  # nor when somebody asks the database past our code
        cursor.execute("SELECT reporting_expire_draft(%s, interval '30 days')", [visit.report.pk])
        assert cursor.fetchone() == (False,)
    assert evidence.store().names() != []


def test_a_draft_with_a_locked_item_stays() -> None:
    visit = draft()
    evidence.quarantine(EvidenceItem.objects.get(kind="file"), reason="test", by=job("test"))
    assert expire() == 0
    assert receipts.redeem(visit.code)


def test_bytes_that_cannot_be_removed_keep_the_draft_for_the_next_night(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft()

    def refuse(self: object, name: str) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as away:
        away.setattr("reporting.vault.store.DiskStore.remove", refuse)
        with pytest.raises(OSError, match="away"):
            expire()
    assert Report.objects.get().state == Report.State.DRAFT
    assert expire() == 1


def test_the_database_keeps_the_rule_whatever_is_asked_of_it() -> None:
    visit = draft(days=3)
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="seven days"):
            cursor.execute("SELECT reporting_expire_draft(%s, interval '1 day')", [visit.report.pk])
        cursor.execute("SET SESSION AUTHORIZATION holdfast_public")
        try:
            with pytest.raises(DatabaseError) as refused:
                cursor.execute(
                    "SELECT reporting_expire_draft(%s, interval '30 days')", [visit.report.pk]
                )
        finally:
            cursor.execute("RESET SESSION AUTHORIZATION")
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
