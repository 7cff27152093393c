"""A locked item: two people decide, nobody sees it, and what is decided is carried out and on record."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases import tasks
from cases.casework import quarantine
from cases.errors import ReasonMissing
from cases.models import QuarantineDecision
from reporting import evidence, intake
from reporting.custody.models import CustodyEvent
from reporting.models import EvidenceItem
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
    found = factories.file(visit)
    intake.submit(visit)
    evidence.quarantine(found, reason="test", by=factories.staff().actor)
    return found


@pytest.mark.parametrize(("choice", "bytes_stay", "opens"), [
    (Choice.DESTROYED, False, False), (Choice.PRESERVED, True, False), (Choice.RELEASED, True, True),
])  # fmt: skip
def test_a_decision_is_carried_out(
    visit: Visit, item: EvidenceItem, choice: Choice, bytes_stay: bool, opens: bool
) -> None:
    officer, supervisor = factories.staff("safeguarding"), factories.staff("supervisor")
    decision = quarantine.propose(item, choice, "authority ref 12", by=officer)
    assert quarantine.waiting() == [item]
    quarantine.confirm(decision, by=supervisor)
    item.refresh_from_db()
    assert item.state == choice.value
    assert (evidence.store().names() == [item.vault_name]) == bytes_stay
    if opens:
        assert b"".join(evidence.open_sealed(item, visit.secret)) == b"photo bytes"
    else:
        with pytest.raises(evidence.NotOpenable):
            list(evidence.open_sealed(item, visit.secret))
    events = CustodyEvent.objects.filter(
        subject=visit.report.pk, event__startswith="quarantine:"
    ).order_by("seq")
    assert list(events.values_list("event", flat=True)) == [
        "quarantine:proposed",
        "quarantine:decided",
    ]


def test_bytes_that_a_kill_left_behind_are_removed_in_the_night(
    item: EvidenceItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = quarantine.propose(
        item, Choice.DESTROYED, "authority ref 12", by=factories.staff("safeguarding")
    )
    with monkeypatch.context() as killed:
        killed.setattr(DiskStore, "remove", lambda self, name: None)
        quarantine.confirm(decision, by=factories.staff("supervisor"))
    assert evidence.store().names() == [item.vault_name]
    tasks.rehash()
    tasks.rehash()
    assert evidence.store().names() == []


def test_one_person_alone_decides_nothing(item: EvidenceItem) -> None:
    officer = factories.staff("safeguarding")
    decision = quarantine.propose(item, Choice.RELEASED, "looks adult in her words", by=officer)
    with pytest.raises(PermissionDenied, match="somebody else"):
        quarantine.confirm(decision, by=officer)
    with pytest.raises(IntegrityError), transaction.atomic():
        QuarantineDecision.objects.filter(pk=decision.pk).update(
            confirmed_by=officer, confirmed_at=timezone.now()
        )
    with pytest.raises(PermissionDenied):
        quarantine.confirm(decision, by=factories.staff("caseworker"))
    with pytest.raises(quarantine.NotWaiting):
        quarantine.propose(item, Choice.DESTROYED, "x", by=officer)
    item.refresh_from_db()
    assert item.state == EvidenceItem.State.QUARANTINED


def test_only_the_named_officer_proposes_and_says_why(item: EvidenceItem) -> None:
    with pytest.raises(PermissionDenied):
        quarantine.propose(item, Choice.RELEASED, "x", by=factories.staff("supervisor"))
    with pytest.raises(ReasonMissing):
        quarantine.propose(item, Choice.RELEASED, " ", by=factories.staff("safeguarding"))


def test_the_second_person_reads_why_and_nobody_else_does(
    item: EvidenceItem, running_opener: None
) -> None:
    decision = quarantine.propose(
        item, Choice.DESTROYED, "authority ref 12", by=factories.staff("safeguarding")
    )
    assert quarantine.read_reason(decision, by=factories.staff("supervisor")) == "authority ref 12"
    with pytest.raises(PermissionDenied):
        quarantine.read_reason(decision, by=factories.staff("caseworker"))


def test_a_second_confirmation_changes_nothing(item: EvidenceItem) -> None:
    decision = quarantine.propose(
        item, Choice.PRESERVED, "asked to", by=factories.staff("safeguarding")
    )
    quarantine.confirm(decision, by=factories.staff("supervisor"))
    with pytest.raises(quarantine.NotWaiting):
        quarantine.confirm(decision, by=factories.staff("supervisor"))
