"""The database's owner switches the triggers off and changes what was received.

It is marked on the page, left out of the package, named there, and found at night.

Officer 2, security review 1b: everything still said “Sound” and “VERIFIED”.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import rfc8785
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import records, tasks
from cases.casework import acts, examination
from cases.models import Note
from reporting import evidence, harms, intake, people, questions
from reporting.custody.record import founding
from reporting.models import (
    Answer,
    Consent,
    EvidenceItem,
    Incident,
    Message,
    Quarantine,
    Report,
)
from reporting.records import Acquisition, AnswerRecord
from reporting.vault.fields import seal_bytes
from reporting.vault.sealer import Sealer
from tests import factories
from tests.attacks.tools import content, withheld
from tests.cases.office import PHOTO, Desk, Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.usefixtures("papers_can_be_searched"),
]
LIE = "INNOCENT PERSON did this"


def _file(office: Office) -> str:
    """Another file, sealed to the report's own public key, in the place of the one that came in."""
    name = secrets.token_hex(16)
    sealer = Sealer(evidence.store().stage(name), office.visit.public_key)
    sealer.write(LIE.encode())
    sealed = sealer.finish()
    facts = Acquisition(
        office.file.pk, "file", "sent through the form", sealed.sha256, "x.jpg", sealed.size
    )
    detail = b"0" * 32 + rfc8785.dumps(facts.to_record() | {"sha256": sealed.sha256})
    EvidenceItem.objects.filter(pk=office.file.pk).update(
        acquisition=seal_bytes(detail, office.visit.public_key),
        vault_name=name,
        ciphertext_size=sealed.ciphertext_size,
        ciphertext_sha256=sealed.ciphertext_sha256,
    )
    return office.file.pk


def _answer(office: Office) -> str:
    answer = Answer.objects.get(report=office.visit.report, question="words")
    record = rfc8785.dumps(AnswerRecord(LIE, "Tell us", (), "en", "reporter").to_record())
    sealed = seal_bytes(record, office.visit.public_key)
    Answer.objects.filter(pk=answer.pk).update(sealed=sealed)
    return answer.pk


def _account(office: Office) -> str:
    item = EvidenceItem.objects.get(report=office.visit.report, kind="account")
    sha256 = hashlib.sha256(LIE.encode()).hexdigest()
    facts = Acquisition(item.pk, "account", "typed into the form", sha256, text=LIE)
    detail = b"0" * 32 + rfc8785.dumps(facts.to_record() | {"sha256": sha256})
    sealed = seal_bytes(detail, office.visit.public_key)
    EvidenceItem.objects.filter(pk=item.pk).update(acquisition=sealed)
    return item.pk


def _time_of_file(office: Office) -> str:
    earlier = office.file.at - timedelta(days=30)
    EvidenceItem.objects.filter(pk=office.file.pk).update(at=earlier)
    return office.file.pk


def _time_of_answer(office: Office) -> str:
    answer = Answer.objects.get(report=office.visit.report, question="words")
    Answer.objects.filter(pk=answer.pk).update(at=answer.at - timedelta(days=30))
    return answer.pk


def _answer_removed(office: Office) -> str:
    answer = Answer.objects.get(report=office.visit.report, question="words")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reporting_answer WHERE id = %s", [answer.pk])
    return answer.pk


@pytest.mark.parametrize(
    "tamper", [_file, _answer, _account, _time_of_file, _time_of_answer, _answer_removed]
)
def test_a_changed_thing_is_marked_left_out_named_and_found_at_night(
    office: Office,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    tamper: Callable[[Office], str],
) -> None:
    with factories.forging():
        thing = tamper(office)
    assert [fault.id for fault in records.faults()] == [thing]

    page = Desk("reader", "caseworker").does(f"/office/case/{office.case.pk}/")
    assert LIE not in page
    assert page.count(f'<span class="mono">{thing}</span>') == 1
    assert page.count("Not as recorded") == 1

    package = office.unpacked(office.package(), tmp_path)
    everything = content(package)
    assert LIE not in everything
    if thing.startswith("E-") and tamper is not _account:
        assert PHOTO[:200].decode(errors="replace") not in everything
        assert not list((package / "data").glob("exhibits/*"))
    named = [what for what in withheld(package) if thing in what]
    assert len(named) == 1, named

    with caplog.at_level(logging.ERROR, "holdfast.worker"):
        tasks.rehash()
    found = [entry for entry in caplog.records if "not as recorded" in entry.message]
    assert [vars(entry)["item"] for entry in found] == [thing]


def test_the_harms_of_a_package_are_those_that_the_reporter_named(
    office: Office, tmp_path: Path
) -> None:
    """The rows that the office's lists show in the clear are not what leaves."""
    named, other = harms.BY_CODE["financial_extortion"].term, harms.BY_CODE["abuse"].term
    with factories.forging():
        Incident.objects.create(
            report=office.visit.report,
            person=people.harmed(office.visit.report),
            reported_type="abuse",
        )
    everything = content(office.unpacked(office.package(), tmp_path))
    assert str(named) in everything
    assert str(other) not in everything


def test_an_office_that_nobody_tampered_with_has_no_fault(office: Office) -> None:
    acts.add_note(office.case, "note", by=office.worker)
    factories.sweep()
    examination.may_show_a_child(office.visit.report, office.file.pk, by=office.worker)
    assert list(records.faults()) == []
    assert "Not as recorded" not in Desk("reader", "caseworker").does(
        f"/office/case/{office.case.pk}/"
    )


def _state_of_file(office: Office) -> str:
    EvidenceItem.objects.filter(pk=office.file.pk).update(state=EvidenceItem.State.VERIFIED)
    return office.file.pk


def _state_of_report(office: Office) -> str:
    Report.objects.filter(pk=office.visit.report.pk).update(state=Report.State.DECLINED)
    return office.visit.report.pk


def _released(office: Office) -> str:
    Quarantine.objects.create(thing=office.file.pk, report=office.visit.report, state="released")
    return office.file.pk


def _note(office: Office) -> str:
    note = acts.add_note(office.case, "true words", by=office.worker)
    public_key = founding(office.case.pk).public_key
    Note.objects.filter(pk=note.pk).update(sealed=seal_bytes(LIE.encode(), public_key))
    return note.pk


@pytest.mark.parametrize("tamper", [_state_of_file, _state_of_report, _released, _note])
def test_a_changed_state_or_note_is_named(office: Office, tamper: Callable[[Office], str]) -> None:
    with factories.forging():
        thing = tamper(office)
    assert [fault.id for fault in records.faults()] == [thing]


def test_a_quarantine_that_was_wiped_away_is_named(office: Office) -> None:
    examination.may_show_a_child(office.visit.report, office.file.pk, by=office.worker)
    with factories.forging():
        Quarantine.objects.all().delete()
    assert [fault.id for fault in records.faults()] == [office.file.pk]


def _junk(office: Office) -> list[str]:
    """One bad row in every table of what was received, as no program of ours writes them."""
    report, person, now = office.visit.report, people.harmed(office.visit.report), timezone.now()
    message = Message.objects.create(report=report, from_office=False, sealed=b"\x01\xff", at=now)
    answer = Answer.objects.create(
        report=report, person=person, question="words", sealed=b"\x01\xff", at=now
    )
    unknown = Answer.objects.create(
        report=report, person=person, question="no_such_question", sealed=b"", at=now
    )
    item = EvidenceItem.objects.create(
        report=report, person=person, kind="file", acquisition=b"junk", vault_name="x", at=now
    )
    given = Consent.objects.create(
        report=report,
        person=person,
        partner=office.partner_key.partner_id,
        answer="never",
        expires_at=now,
        statement="no statement",
        signature=b"\x00",
        at=now,
    )
    note = Note.objects.create(case=office.case, author=office.worker, sealed=b"\x01", at=now)
    return sorted(row.pk for row in (message, answer, unknown, item, given, note))


def test_one_bad_row_stops_no_page_no_sweep_and_no_package(office: Office, tmp_path: Path) -> None:
    """Security review, 11: one such row closed the report, or stopped the worker."""
    with factories.forging():
        junk = _junk(office)
    assert sorted(fault.id for fault in records.faults() if "act" in fault.why) == junk

    page = Desk("reader", "caseworker").does(f"/office/case/{office.case.pk}/")
    assert "They want 500 by Friday" in page
    for thing in junk:
        if not thing.startswith("T-"):
            assert page.count(f'<span class="mono">{thing}</span>') == 1, thing
    assert "This note is not as recorded" in page

    reporter = Client()
    origin = {"origin": "http://localhost:8100"}
    reporter.post("/back/", {"code": office.visit.code}, headers=origin)
    for path in ("/mine/", "/mine/who/", "/more/"):
        assert reporter.get(path).status_code == 200, path
    intake.answer(office.visit, questions.BY_KEY["told"], "the school")

    other = factories.sent()
    factories.sweep()
    factories.sweep()
    assert factories.told(other) == [("Our computer", "sorted it by urgency")]
    office.file.refresh_from_db()
    assert office.file.state == EvidenceItem.State.VERIFIED

    package = office.unpacked(office.package(), tmp_path)
    assert (package / "data/exhibits/E0001/original.jpg").read_bytes() == PHOTO
    named = " ".join(withheld(package))
    for thing in junk:
        assert (thing in named) == thing.startswith(("A-", "E-")), thing
    tasks.rehash()
    call_command("check")
