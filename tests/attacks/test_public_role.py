"""Whoever takes over the public door while no reporter is there adds nothing in a reporter's name.

Security review 1 and 3, officer 1: rows without acts are refused; acts without the reporter's
signature are marked, opened by nobody and never leave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from cases import records
from cases.operations.acting import acting_as
from cases.staff.models import StaffMember
from reporting import answers, on_record, people, questions
from reporting.custody.record import Recorded, founding, record
from reporting.models import Answer, EvidenceItem, FileGroup, Incident, Message, Report
from reporting.records import Acquisition, AnswerRecord
from reporting.sessions import Visit
from reporting.vault.fields import seal_bytes
from tests import factories
from tests.attacks.tools import content, withheld
from tests.cases.office import Desk, Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.usefixtures("papers_can_be_searched"),
]
LIE = "INNOCENT PERSON did this"


def _plain_answer() -> bytes:
    wording = str(questions.BY_KEY["words"].text)
    return rfc8785.dumps(AnswerRecord(LIE, wording, (), "en", "reporter").to_record())


def _answer(report: Report) -> Answer:
    sealed = seal_bytes(_plain_answer(), founding(report.pk).public_key)
    person = people.harmed(report)
    return Answer(report=report, person=person, question="words", sealed=sealed, at=timezone.now())


def _message(report: Report) -> Message:
    sealed = seal_bytes(LIE.encode(), founding(report.pk).public_key)
    return Message(report=report, from_office=False, sealed=sealed, at=timezone.now())


def _account(report: Report) -> EvidenceItem:
    person, kind = people.harmed(report), EvidenceItem.Kind.ACCOUNT
    item = EvidenceItem(report=report, person=person, kind=kind, at=timezone.now())
    item.acquisition = seal_bytes(_account_facts(item), founding(report.pk).public_key)
    return item


def _account_facts(item: EvidenceItem) -> bytes:
    sha256 = hashlib.sha256(LIE.encode()).hexdigest()
    facts = Acquisition(item.pk, "account", "typed into the form", sha256, text=LIE)
    return b"0" * 32 + rfc8785.dumps(facts.to_record() | {"sha256": sha256})


@pytest.mark.parametrize("make", [_answer, _message, _account])
def test_a_row_without_an_act_is_refused(make: Callable[[Report], models.Model]) -> None:
    visit = factories.sent()
    row = make(visit.report)
    with acting_as("public"), pytest.raises(DatabaseError, match="is not what an act recorded"):
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("act", "about"),
    [("answer:saved", "A-000000000000"), ("evidence:acquired", "E-000000000000"),
     ("message:posted", "M-000000000000"), ("consent:answered", "K-000000000000")],
)  # fmt: skip
def test_an_act_without_its_row_is_refused(act: str, about: str) -> None:
    visit = factories.sent()
    with acting_as("public"), pytest.raises(DatabaseError, match="is not there"):
        record(visit.report.pk, act, actor="reporter", detail={}, about=about)


def test_what_the_office_reads_in_the_clear_is_not_the_public_doors_to_write() -> None:
    visit = factories.sent()
    with acting_as("public"), pytest.raises(DatabaseError, match="permission denied"):
        Incident.objects.create(
            report=visit.report, person=people.harmed(visit.report), reported_type="abuse"
        )


def _put_answer(report: Report) -> str:
    row = _answer(report)
    row.at = _act(report, "answer:saved", row, {
        "answer": row.pk, "question": "words", "group": "",
        "sha256": hashlib.sha256(_plain_answer()).hexdigest(),
    }).at  # fmt: skip
    row.save(force_insert=True)
    return row.pk


def _put_message(report: Report) -> str:
    row = _message(report)
    row.at = _act(report, "message:posted", row, {
        "message": row.pk, "from_office": False, "sha256": hashlib.sha256(LIE.encode()).hexdigest(),
    }).at  # fmt: skip
    row.save(force_insert=True)
    return row.pk


def _put_account(report: Report) -> str:
    row = _account(report)
    sha256 = hashlib.sha256(LIE.encode()).hexdigest()
    facts = Acquisition(row.pk, "account", "typed into the form", sha256, text=LIE)
    recorded = _act(report, "evidence:acquired", row, facts.to_record() | {"sha256": sha256})
    row.acquisition, row.at = recorded.sealed, recorded.at
    row.save(force_insert=True)
    return row.pk


def _act(
    report: Report, act: str, row: Answer | Message | EvidenceItem, detail: dict[str, Any]
) -> Recorded:
    return record(
        report.pk,
        act,
        actor="reporter",
        detail=detail,
        about=row.pk,
        about_sha256=bytes.fromhex(on_record.stored_sha256(row)),
    )


@pytest.mark.parametrize("put", [_put_answer, _put_message, _put_account])
def test_what_the_reporter_did_not_sign_is_marked_and_never_leaves(
    office: Office, tmp_path: Path, put: Callable[[Report], str]
) -> None:
    with acting_as("public"), transaction.atomic():
        thing = put(office.visit.report)
    page = Desk("reader", "caseworker").does(f"/office/case/{office.case.pk}/")
    assert LIE not in page
    assert page.count(f'<span class="mono">{thing}</span>') == 1
    assert "it is not signed by the reporter" in page
    package = office.unpacked(office.package(), tmp_path)
    assert LIE not in content(package)
    if not thing.startswith("M-"):  # messages are in no package
        whys = [why for what, why in withheld(package).items() if thing in what]
        assert whys in (["it is not as it was recorded"], ["it is not signed by the reporter"])


@pytest.mark.parametrize("state", ["verified", "integrity_failed"])
def test_no_item_comes_in_checked(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent()
    monkeypatch.setattr(EvidenceItem._meta.get_field("state"), "default", state)
    with acting_as("public"), pytest.raises(DatabaseError, match="is not what an act recorded"):
        _committed(_put_account, visit.report)


def _committed(put: Callable[[Report], str], report: Report) -> None:
    with transaction.atomic():
        put(report)


@pytest.mark.parametrize("change", ["person", "group", "person of the group"])
def test_nothing_is_stored_about_a_person_or_files_of_another_report(change: str) -> None:
    """`verify_ledger` would name it, and nobody but the office's own faults may make it fail."""
    mine, other = factories.draft(), factories.draft()
    row, harmed = _answer(mine.report), people.harmed(other.report)
    if change == "person":
        row.person = harmed
    else:
        report = other.report if change == "group" else mine.report
        row.group = FileGroup.objects.create(report=report, person=harmed)
    refused = pytest.raises(DatabaseError, match="of another report")
    with acting_as("public"), refused, transaction.atomic():
        row.at = _act(mine.report, "answer:saved", row, {}).at
        row.save(force_insert=True)
    assert list(records.faults()) == []


def test_a_signature_of_the_reporters_fits_no_second_row() -> None:
    """An answer of the reporter's copied, with its detail and signature, to a new id and place."""
    visit = factories.sent()
    known = on_record.of(visit.report.pk, visit.secret)
    first = next(entry for entry in known.answers if entry.row and entry.row.question == "words")
    assert first.row is not None
    copy = Answer.objects.get(pk=first.id)
    copy.pk = "A-000000000000"
    with acting_as("public"), transaction.atomic():
        detail = first.detail | {"answer": copy.pk}
        copy.at = _act(visit.report, "answer:saved", copy, detail).at
        copy.save(force_insert=True)
    faults = on_record.of(visit.report.pk, visit.secret).faults
    assert faults == [(copy.pk, on_record.NOT_SIGNED)]


def test_an_answer_taken_out_of_a_draft_by_somebody_else_is_missed() -> None:
    visit = factories.draft()
    answer = Answer.objects.get(report=visit.report, question="words")
    with acting_as("public"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, answer.pk])
        record(visit.report.pk, "answer:taken_out", actor="reporter", detail={}, about=answer.pk)
    with acting_as("public"):
        known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
    assert known.faults == [(answer.pk, on_record.ROW_GONE)]


def test_nothing_received_is_taken_out_again() -> None:
    """Security review, 12: neither by the function nor by a statement."""
    visit = factories.sent()
    answer = Answer.objects.get(report=visit.report, question="words")
    with acting_as("public"), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, answer.pk])
        assert cursor.fetchone() == (None,)
    with acting_as("public"), pytest.raises(DatabaseError, match="permission denied"):
        answer.delete()
    assert answers.latest(_given(visit))["words"] == factories.ADULT_EXTORTION["words"]


def _given(visit: Visit) -> list[answers.Given]:
    known = on_record.of(visit.report.pk, visit.secret)
    return answers.read(known.answers, visit.secret)


def test_the_staff_role_makes_nobody_a_supervisor() -> None:
    """Security review, 21."""
    person = factories.staff()
    for change in ("role = 'supervisor'", "is_superuser = true", "is_active = true"):
        refused = pytest.raises(DatabaseError, match="permission denied")
        with acting_as("staff"), refused, connection.cursor() as cursor:
            cursor.execute(f"UPDATE staff_staffmember SET {change}")
    assert StaffMember.objects.get(pk=person.pk).role == "caseworker"
