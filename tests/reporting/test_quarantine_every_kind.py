"""What may show a child is closed on every path, whatever it is: file, link, account, answer,
message."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.test import Client

from cases import records
from cases.casework import examination
from cases.operations.acting import acting_as
from cases.reports import reading
from reporting import answers, evidence, intake, messages, on_record, quarantine, questions
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, EvidenceItem, Message, Quarantine
from reporting.sessions import Visit
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

ORIGIN = {"origin": "http://localhost:8100"}
KINDS = ["file", "link", "account", "answer", "message"]
TEXTS = {
    "file": "private name.jpg",
    "link": "https://example.org/x",
    "account": "@bad.guy",
    "answer": "what is shown there",
    "message": "the message",
}


@pytest.fixture
def visit() -> Visit:
    visit = factories.draft({"age": "adult", "what": ["financial_extortion"], "show_again": "yes"})
    intake.answer(visit, questions.BY_KEY["told"], TEXTS["answer"])
    factories.file(visit, b"bytes", TEXTS["file"])
    factories.lines(visit)
    intake.submit(visit)
    messages.write(visit, TEXTS["message"])
    return visit


def thing(visit: Visit, kind: str) -> str:
    if kind == "answer":
        return Answer.objects.get(report=visit.report, question="told").pk
    if kind == "message":
        return Message.objects.get(report=visit.report).pk
    return EvidenceItem.objects.get(report=visit.report, kind=kind).pk


def closed(visit: Visit, kind: str) -> str:
    which = thing(visit, kind)
    examination.may_show_a_child(visit.report, which, by=factories.staff())
    return which


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_of_the_office_reads_it(visit: Visit, kind: str) -> None:
    closed(visit, kind)
    opened = reading.open_report(visit.report, by=factories.staff())
    seen = repr([opened.said, [(item.name, item.text) for item in opened.items], opened.thread])
    for other, text in TEXTS.items():
        assert (text in seen) == (other != kind), other
    assert opened.faults == []  # it is closed, and as it was recorded


@pytest.mark.parametrize("kind", KINDS)
def test_the_reporter_is_not_shown_it_again(visit: Visit, kind: str) -> None:
    closed(visit, kind)
    client = Client()
    client.post("/back/", {"code": visit.code}, headers=ORIGIN)
    seen = client.get("/mine/").content.decode()
    assert "locked something: a child may be shown" in seen
    if kind == "message":
        assert TEXTS["message"] not in seen


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_on_record_once_and_closed_once(visit: Visit, kind: str) -> None:
    which = closed(visit, kind)
    closed(visit, kind)
    acts = CustodyEvent.objects.filter(event="evidence:quarantined", object=which)
    assert acts.filter(subject=visit.report.pk).count() == 1
    assert Quarantine.objects.get().thing == which
    assert list(records.faults()) == []


def test_a_file_is_not_opened_revealed_or_measured(visit: Visit) -> None:
    which = closed(visit, "file")
    item, worker = EvidenceItem.objects.get(pk=which), factories.staff()
    entries = on_record.of(visit.report.pk, visit.secret).items
    (entry,) = [entry for entry in entries if entry.id == which]
    with pytest.raises(evidence.NotOpenable, match="locked"):
        list(evidence.open_sealed(entry, visit.secret))
    with pytest.raises(evidence.NotOpenable, match="locked"):
        examination.reveal(item, "to see it", by=worker)
    factories.sweep()
    item.refresh_from_db()
    assert item.state == EvidenceItem.State.KEPT
    assert not CustodyEvent.objects.filter(event="evidence:measured").exists()


@pytest.mark.parametrize("kind", KINDS[:4])
def test_nothing_quarantined_is_taken_out_of_a_draft(kind: str) -> None:
    visit = factories.draft()
    factories.file(visit)
    factories.lines(visit)
    intake.answer(visit, questions.BY_KEY["told"], "x")
    which = thing(visit, kind)
    with acting_as("public"):
        quarantine.close(visit.report.pk, which, reason="x")
    with pytest.raises((evidence.NotOpenable, answers.CannotTakeOut)):
        answers.take_out(visit, which) if kind == "answer" else evidence.remove_from_draft(
            visit, which
        )
    assert which in {entry.id for entry in _entries(visit)}


def _entries(visit: Visit) -> list[on_record.Entry[Answer] | on_record.Entry[EvidenceItem]]:
    known = on_record.of(visit.report.pk, visit.secret)
    return [*known.answers, *known.items]


def test_a_thing_that_is_not_there_is_not_quarantined(visit: Visit) -> None:
    other = factories.draft({"words": "x"})
    foreign = Answer.objects.get(report=other.report).pk
    for which in ("", "E-000000000000", visit.report.pk, foreign):
        with pytest.raises(examination.NothingThere):
            examination.may_show_a_child(visit.report, which, by=factories.staff())
    assert not Quarantine.objects.exists()


@pytest.mark.parametrize("door", ["public", "staff"])
def test_no_row_without_its_act_and_no_way_back_without_a_decision(visit: Visit, door: str) -> None:
    which = closed(visit, "link")
    with pytest.raises(DatabaseError, match="not on record"), acting_as(door):
        Quarantine.objects.create(thing=thing(visit, "account"), report=visit.report)
    with pytest.raises(IntegrityError), acting_as(door):
        Quarantine.objects.filter(pk=which).update(state=Quarantine.State.RELEASED)
    with acting_as(door), connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("DELETE FROM reporting_quarantine")
    assert quarantine.closed(visit.report.pk) == {which}


def test_an_act_whose_row_is_gone_is_found(visit: Visit) -> None:
    which = closed(visit, "file")
    with factories.forging():
        Quarantine.objects.all().delete()
    assert [(fault.id, fault.why) for fault in records.faults()] == [
        (which, "the record quarantined it and it is not on the list")
    ]


def test_a_row_that_left_without_a_decision_is_found(visit: Visit) -> None:
    which = closed(visit, "file")
    with factories.forging():
        Quarantine.objects.update(state=Quarantine.State.RELEASED)
    assert [fault.id for fault in records.faults()] == [which]
