"""An idle draft is erased after its time, and nothing else is."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection

from cases import records
from cases.operations.acting import acting_as
from reporting import evidence, intake, quarantine, receipts, retention
from reporting.actors import Actor, job
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, EvidenceItem, Person, Report, ReporterSession, ReturnCodeWrap
from reporting.sessions import Visit
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def draft(*, days: int = 31, sent: bool = False) -> Visit:
    """A draft last used `days` days ago, or a report sent then."""
    visit = factories.draft()
    factories.file(visit)
    factories.lines(visit)
    if sent:
        intake.submit(visit)
    for table, column in (
        ("report", "started_at"),
        ("answer", "at"),
        ("evidenceitem", "at"),
        ("reportersession", "used_at"),
    ):
        age(table, column, days)
    return visit


def age(table: str, column: str, days: int) -> None:
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE reporting_{table} SET {column} = now() - make_interval(days => %s)", [days]
        )


def expire() -> int:
    return retention.expire_drafts(by=job("retention"))


def test_an_idle_draft_is_erased_with_its_bytes_and_the_ledger_stays_sound() -> None:
    visit = draft()
    assert evidence.store().names() != []
    assert expire() == 1
    assert expire() == 0
    assert evidence.store().names() == []
    for model in (Answer, EvidenceItem, Person, ReporterSession, ReturnCodeWrap):
        assert not model.objects.exists(), model
    assert Report.objects.get().state == Report.State.ERASED
    with pytest.raises(receipts.UnknownCode):
        receipts.redeem(visit.code)
    assert CustodyEvent.objects.filter(subject=visit.report.pk, event="report:expired").count() == 1
    (fault,) = records.faults()
    assert "began or was sent at another time" in fault.why  # `draft` made it older than its act


@pytest.mark.parametrize(
    ("table", "column"),
    [("answer", "at"), ("evidenceitem", "at"), ("reportersession", "used_at")],
    ids=["answer", "item", "visit"],
)
def test_any_recent_use_keeps_the_draft(table: str, column: str) -> None:
    visit = draft()
    age(table, column, 29)
    assert expire() == 0
    assert Answer.objects.filter(report=visit.report, question="words").exists()


def test_a_sent_report_is_never_erased_by_age() -> None:
    visit = draft(days=2000, sent=True)
    assert expire() == 0
    # nor when the database function is called directly
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("SELECT reporting_expire_draft(%s, interval '30 days')", [visit.report.pk])
        assert cursor.fetchone() == (False,)
    assert evidence.store().names() != []


def test_a_draft_with_a_quarantined_item_stays() -> None:
    visit = draft()
    item = EvidenceItem.objects.get(kind="file")
    with acting_as("public"):
        quarantine.close(visit.report.pk, item.pk, reason="test")
    assert expire() == 0
    assert receipts.redeem(visit.code)


def test_a_draft_whose_bytes_cannot_be_removed_is_kept_for_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft()

    def refuse(self: object, name: str) -> None:
        raise OSError("the disk does not answer")

    with monkeypatch.context() as failing:
        failing.setattr("reporting.vault.store.DiskStore.remove", refuse)
        with pytest.raises(OSError, match="does not answer"):
            expire()
    assert Report.objects.get().state == Report.State.DRAFT
    assert expire() == 1


def test_a_draft_that_cannot_be_forgotten_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = draft(), draft()
    forget = retention._expire

    def refuse(report_id: str, *, by: Actor) -> bool:
        if report_id == first.report.pk:
            raise OSError("the disk does not answer")
        return forget(report_id, by=by)

    monkeypatch.setattr(retention, "_expire", refuse)
    with pytest.raises(OSError, match="does not answer"):
        expire()
    assert Report.objects.get(pk=second.report.pk).state == Report.State.ERASED


def test_the_database_enforces_the_shortest_age_and_the_role() -> None:
    visit = draft(days=3)
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="seven days"):
            cursor.execute("SELECT reporting_expire_draft(%s, interval '1 day')", [visit.report.pk])
        for door in ("public", "partner", "staff", "opener", "sequencer"):
            with acting_as(door), pytest.raises(DatabaseError) as refused:
                cursor.execute(
                    "SELECT reporting_expire_draft(%s, interval '30 days')", [visit.report.pk]
                )
            assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege), door


def test_a_draft_is_not_forgotten_without_the_act_that_says_so() -> None:
    visit = draft()
    with (
        pytest.raises(IntegrityError, match=r"erased of R-.* is not on record"),
        acting_as("worker"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT reporting_expire_draft(%s, interval '30 days')", [visit.report.pk])
    assert Report.objects.get().state == Report.State.DRAFT
