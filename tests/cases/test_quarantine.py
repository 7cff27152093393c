"""A quarantined thing of any kind: nobody sees it, two people decide, and it is recorded."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from cases import tasks
from cases.casework import examination, quarantine
from cases.errors import ReasonMissing
from cases.models import QuarantineDecision
from cases.operations.acting import acting_as
from reporting import evidence, intake, messages, on_record
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, EvidenceItem, Quarantine
from reporting.sessions import Visit
from reporting.vault.store import DiskStore
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
Choice = QuarantineDecision.Choice


@pytest.fixture
def visit() -> Visit:
    return factories.draft()


@pytest.fixture
def item(visit: Visit) -> EvidenceItem:
    item = factories.file(visit)
    factories.lines(visit)
    intake.submit(visit)
    return item


@pytest.fixture
def closed(visit: Visit, item: EvidenceItem) -> Quarantine:
    examination.may_show_a_child(visit.report, item.pk, by=factories.staff())
    return Quarantine.objects.get(thing=item.pk)


def _opened(visit: Visit, item: EvidenceItem) -> bytes:
    entries = on_record.of(visit.report.pk, visit.secret).items
    entry = next(entry for entry in entries if entry.id == item.pk)
    return b"".join(evidence.open_sealed(entry, visit.secret))


def test_every_kind_of_thing_is_quarantined_and_listed(visit: Visit, item: EvidenceItem) -> None:
    written = messages.write(visit, "a message")
    answer = Answer.objects.filter(report=visit.report, question="words").get()
    texts = EvidenceItem.objects.filter(report=visit.report).exclude(pk=item.pk)
    kinds = {item.pk: "file", written.pk: "message", answer.pk: "answer"}
    kinds |= {text.pk: text.kind for text in texts}
    assert sorted(kinds.values()) == ["account", "answer", "file", "link", "message"]
    worker = factories.staff()
    for thing in kinds:
        examination.may_show_a_child(visit.report, thing, by=worker)
    assert {row.quarantine.thing: row.kind for row in quarantine.waiting()} == kinds


def test_a_thing_of_another_report_is_not_quarantined(visit: Visit, item: EvidenceItem) -> None:
    with pytest.raises(examination.NothingThere):
        examination.may_show_a_child(factories.sent().report, item.pk, by=factories.staff())
    assert not Quarantine.objects.exists()


@pytest.mark.parametrize(
    ("choice", "bytes_stay", "opens"),
    [
        (Choice.DESTROYED, False, False),
        (Choice.PRESERVED, True, False),
        (Choice.RELEASED, True, True),
    ],
)
def test_a_decision_is_carried_out_and_recorded(
    visit: Visit,
    item: EvidenceItem,
    closed: Quarantine,
    choice: Choice,
    bytes_stay: bool,
    opens: bool,
) -> None:
    officer, supervisor = factories.staff("safeguarding"), factories.staff("supervisor")
    decision = quarantine.propose(closed, choice, "authority ref 12", by=officer)
    (waiting,) = quarantine.waiting()
    assert (waiting.quarantine, waiting.proposed) == (closed, decision)
    quarantine.confirm(decision, by=supervisor)
    assert quarantine.waiting() == []
    closed.refresh_from_db()
    assert closed.state == choice.value
    assert (evidence.store().names() == [item.vault_name]) == bytes_stay
    if opens:
        assert _opened(visit, item) == b"photo bytes"
    else:
        with pytest.raises(evidence.NotOpenable):
            _opened(visit, item)
    events = CustodyEvent.objects.filter(
        subject=visit.report.pk, event__startswith="quarantine:"
    ).order_by("seq")
    assert list(events.values_list("event", flat=True)) == [
        "quarantine:proposed",
        f"quarantine:{choice.value}",
    ]


def test_what_was_released_can_be_quarantined_again(
    visit: Visit, item: EvidenceItem, closed: Quarantine
) -> None:
    decision = quarantine.propose(
        closed, Choice.RELEASED, "looks adult", by=factories.staff("safeguarding")
    )
    quarantine.confirm(decision, by=factories.staff("supervisor"))
    examination.may_show_a_child(visit.report, item.pk, by=factories.staff())
    with pytest.raises(evidence.NotOpenable):
        _opened(visit, item)


def test_bytes_left_by_a_killed_process_are_removed_by_the_nightly_task(
    item: EvidenceItem, closed: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = quarantine.propose(
        closed, Choice.DESTROYED, "authority ref 12", by=factories.staff("safeguarding")
    )
    with monkeypatch.context() as killed:
        killed.setattr(DiskStore, "remove", lambda self, name: None)
        quarantine.confirm(decision, by=factories.staff("supervisor"))
    assert evidence.store().names() == [item.vault_name]
    tasks.rehash()
    tasks.rehash()
    assert evidence.store().names() == []


def test_one_person_alone_cannot_decide(closed: Quarantine) -> None:
    officer = factories.staff("safeguarding")
    decision = quarantine.propose(closed, Choice.RELEASED, "looks adult", by=officer)
    with pytest.raises(PermissionDenied, match="somebody else"):
        quarantine.confirm(decision, by=officer)
    with pytest.raises(IntegrityError), transaction.atomic():
        QuarantineDecision.objects.filter(pk=decision.pk).update(
            confirmed_by=officer, confirmed_at=timezone.now()
        )
    with pytest.raises(PermissionDenied):
        quarantine.confirm(decision, by=factories.staff("caseworker"))
    with pytest.raises(quarantine.NotWaiting):
        quarantine.propose(closed, Choice.DESTROYED, "x", by=officer)
    closed.refresh_from_db()
    assert closed.state == Quarantine.State.CLOSED


@pytest.mark.parametrize("state", ["released", "destroyed", "preserved"])
def test_the_staff_role_cannot_end_a_quarantine_without_two_people(
    closed: Quarantine, state: str
) -> None:
    """The decision names two people, and both acts are on record."""
    officer = factories.staff("safeguarding")
    quarantine.propose(closed, Choice.RELEASED, "looks adult", by=officer)
    refused = pytest.raises(DatabaseError, match=r"not on record|two people")
    with acting_as("staff"), refused, connection.cursor() as cursor:
        cursor.execute("UPDATE reporting_quarantine SET state = %s", [state])
    closed.refresh_from_db()
    assert closed.state == Quarantine.State.CLOSED


def test_only_the_named_officer_proposes_and_says_why(closed: Quarantine) -> None:
    with pytest.raises(PermissionDenied):
        quarantine.propose(closed, Choice.RELEASED, "x", by=factories.staff("supervisor"))
    with pytest.raises(ReasonMissing):
        quarantine.propose(closed, Choice.RELEASED, " ", by=factories.staff("safeguarding"))


def test_the_second_person_reads_why_and_nobody_else_does(
    visit: Visit, closed: Quarantine, running_opener: None
) -> None:
    decision = quarantine.propose(
        closed, Choice.DESTROYED, "authority ref 12", by=factories.staff("safeguarding")
    )
    assert quarantine.read_reason(decision, by=factories.staff("supervisor")) == "authority ref 12"
    assert (
        "Supervisor",
        "read why something locked is to be decided about",
    ) in factories.told(visit)
    with pytest.raises(PermissionDenied):
        quarantine.read_reason(decision, by=factories.staff("caseworker"))


def test_a_second_confirmation_changes_nothing(closed: Quarantine) -> None:
    decision = quarantine.propose(
        closed, Choice.PRESERVED, "asked to", by=factories.staff("safeguarding")
    )
    quarantine.confirm(decision, by=factories.staff("supervisor"))
    with pytest.raises(quarantine.NotWaiting):
        quarantine.confirm(decision, by=factories.staff("supervisor"))
