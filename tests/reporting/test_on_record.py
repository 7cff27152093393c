"""What a report holds, as the ledger says: each way in which a row and its act can differ is one
marked line.

The editor here has the database and the disk and no key of the report; triggers are off for them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from cases import records
from cases.reports import reading
from reporting import answers, consent, evidence, intake, messages, on_record, questions
from reporting.custody.models import CustodyDetail, CustodyEvent
from reporting.models import Answer, Consent, EvidenceItem, Message, PartnerOffer
from reporting.records import Acquisition, AnswerRecord
from reporting.sessions import Visit
from reporting.vault.fields import seal_record, seal_text
from reporting.vault.sealer import Sealer
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

Row = Answer | EvidenceItem | Message | Consent


@pytest.fixture
def visit() -> Visit:
    """A report that holds one of everything."""
    visit = factories.draft(
        {"words": "They want 500.", "what": ["financial_extortion"], "age": "adult"}
    )
    factories.file(visit)
    factories.lines(visit)
    intake.submit(visit)
    messages.write(visit, "hello")
    offer = PartnerOffer.objects.create(
        partner="P-POLICE000001", name="Police", plain_words="words", reviewed_on="2026-11-01"
    )
    consent.give(visit, offer, Consent.Answer.YES)
    return visit


def faults(visit: Visit, *, key: bool = True) -> dict[str, str]:
    return dict(on_record.of(visit.report.pk, visit.secret if key else None).faults)


def first(visit: Visit, model: type[Row]) -> Row:
    row = model.objects.filter(report=visit.report).order_by("at").first()
    assert row is not None
    return row


KINDS = pytest.mark.parametrize("model", [Answer, EvidenceItem, Message, Consent])


def test_a_report_as_it_was_recorded_has_no_fault(visit: Visit) -> None:
    known = on_record.of(visit.report.pk, visit.secret)
    assert known.faults == []
    assert (len(known.answers), len(known.items)) == (4, 3)
    assert (len(known.messages), len(known.consents)) == (1, 1)
    assert list(records.faults()) == []
    assert on_record.of(visit.report.pk).faults == []


@KINDS
def test_a_row_without_an_act(visit: Visit, model: type[Row]) -> None:
    row = first(visit, model)
    row.pk = row.pk[:2] + "000000000000"
    with factories.forging():
        row.save(force_insert=True)
    assert faults(visit) == faults(visit, key=False) == {row.pk: on_record.NO_ACT}
    assert [fault.id for fault in records.faults()][:1] == [row.pk]


@KINDS
def test_a_row_that_is_gone(visit: Visit, model: type[Row]) -> None:
    row = first(visit, model)
    row_id = row.pk
    with factories.forging():
        row.delete()
    assert faults(visit) == faults(visit, key=False) == {row_id: on_record.ROW_GONE}
    assert row_id in {fault.id for fault in records.faults()}


@KINDS
def test_a_row_with_another_time(visit: Visit, model: type[Row]) -> None:
    row = first(visit, model)
    with factories.forging():
        model.objects.filter(pk=row.pk).update(at=row.at + timedelta(seconds=1))
    assert faults(visit) == faults(visit, key=False) == {row.pk: on_record.OTHER_TIME}
    assert row.pk in {fault.id for fault in records.faults()}


@KINDS
def test_a_row_moved_to_another_report(visit: Visit, model: type[Row]) -> None:
    row, other = first(visit, model), factories.sent()
    with factories.forging():
        model.objects.filter(pk=row.pk).update(report=other.report)
    assert faults(visit) == {row.pk: on_record.ROW_GONE}
    assert faults(other) == {row.pk: on_record.NO_ACT}
    assert row.pk in {fault.id for fault in records.faults()}


def _words(visit: Visit) -> Answer:
    """Finding 1: the words are sealed anew to the report's public key."""
    record = AnswerRecord("I made it up.", "In your own words", (), "en", "reporter")
    answer = Answer.objects.get(report=visit.report, question="words")
    answer.sealed = seal_record(record.to_record(), visit.public_key)
    return answer


def _message(visit: Visit) -> Message:
    message = Message.objects.get(report=visit.report)
    message.sealed = seal_text("Please drop it.", visit.public_key)
    return message


def _link(visit: Visit) -> EvidenceItem:
    item = EvidenceItem.objects.get(report=visit.report, kind="link")
    facts = Acquisition(item.pk, "link", "typed into the form", "0" * 64, text="https://else")
    sealed = seal_record(facts.to_record(), visit.public_key)
    item.acquisition = sealed
    return item


def _file(visit: Visit) -> EvidenceItem:
    """Another file, sealed to the report's public key, in a new object of the vault."""
    item = EvidenceItem.objects.get(report=visit.report, kind="file")
    sealer = Sealer(evidence.store().stage(name := secrets.token_hex(16)), visit.public_key)
    sealer.write(b"INNOCENT TEXT")
    sealed = sealer.finish()
    facts = Acquisition(
        item.pk, "file", "sent through the form", sealed.sha256, "photo.jpg", sealed.size
    )
    item.acquisition = seal_record(facts.to_record(), visit.public_key)
    item.vault_name, item.ciphertext_size = name, sealed.ciphertext_size
    item.ciphertext_sha256 = sealed.ciphertext_sha256
    return item


def _consent(visit: Visit) -> Consent:
    row = Consent.objects.get(report=visit.report)
    row.statement = row.statement.replace('"yes"', '"never"')
    return row


@pytest.mark.parametrize("change", [_words, _message, _link, _file, _consent])
def test_a_row_with_other_bytes(visit: Visit, change: Callable[[Visit], Row]) -> None:
    row = change(visit)
    with factories.forging():
        row.save()
    assert faults(visit) == faults(visit, key=False) == {row.pk: on_record.OTHER_BYTES}
    assert [fault.id for fault in records.faults()] == [row.pk]
    known = on_record.of(visit.report.pk, visit.secret)
    for answer in answers.read(known.answers, visit.secret):
        assert answer.id != row.pk or (answer.record is None and answer.fault)
    for item in reading.items(known):
        assert item.entry.id != row.pk or (not item.openable and not item.text)
    for message in messages.thread(known, visit.secret):
        assert message.id != row.pk or not message.text
    assert consent.latest(known, "P-POLICE000001") is None or change is not _consent


def test_a_file_whose_column_alone_is_changed_is_not_the_recorded_one(visit: Visit) -> None:
    """Object hash and acquisition are both compared: neither can be swapped without the other."""
    forged = _file(visit)
    for field in ("acquisition", "ciphertext_sha256"):
        item = EvidenceItem.objects.get(pk=forged.pk)
        before = getattr(item, field)
        setattr(item, field, getattr(forged, field))
        with factories.forging():
            item.save()
        assert faults(visit) == {item.pk: on_record.OTHER_BYTES}, field
        setattr(item, field, before)
        with factories.forging():
            item.save()
    assert faults(visit) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "S-000000000000"),
        ("object_sha256", "0" * 64),
        ("at", "2020-01-01T00:00:00Z"),
        ("door", "staff"),
        ("canonical", "{}"),
        ("leaf", "0" * 64),
    ],
)
def test_an_act_that_was_edited_vouches_for_nothing(visit: Visit, field: str, value: str) -> None:
    answer = first(visit, Answer)
    with factories.forging():
        CustodyEvent.objects.filter(object=answer.pk).update(**{field: value})
    assert answer.pk in faults(visit)


def test_a_detail_that_was_swapped_or_shredded_cannot_be_read(visit: Visit) -> None:
    words = Answer.objects.get(report=visit.report, question="words")
    event = CustodyEvent.objects.get(object=words.pk)
    with factories.forging():
        CustodyDetail.objects.filter(event=event).update(sealed=b"")
    assert faults(visit) == {words.pk: on_record.NOT_READABLE}
    other = CustodyDetail.objects.exclude(event=event).exclude(sealed=b"").first()
    assert other is not None
    with factories.forging():
        CustodyDetail.objects.filter(event=event).update(sealed=other.sealed)
    assert words.pk in faults(visit)


def test_an_act_that_is_missing_breaks_the_chain(visit: Visit) -> None:
    event = CustodyEvent.objects.filter(subject=visit.report.pk, event="report:submitted").get()
    with factories.forging():
        CustodyEvent.objects.filter(pk=event.pk)._raw_delete("default")
    assert f"act {event.seq} is missing" in faults(visit)[visit.report.pk]


def test_an_act_put_back_in_another_place_breaks_the_chain(visit: Visit) -> None:
    events = list(CustodyEvent.objects.filter(subject=visit.report.pk).order_by("seq"))
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("UPDATE custody_custodyevent SET seq = 1000 WHERE id = %s", [events[2].pk])
        cursor.execute(
            "UPDATE custody_custodyevent SET seq = %s WHERE id = %s", [events[2].seq, events[3].pk]
        )
        cursor.execute(
            "UPDATE custody_custodyevent SET seq = %s WHERE id = %s", [events[3].seq, events[2].pk]
        )
    assert visit.report.pk in faults(visit)


def test_taking_out_after_sending_hides_nothing(visit: Visit) -> None:
    """Only before sending is something the reporter's to take out: an act of it later removes
    nothing from the list."""
    answer = first(visit, Answer)
    with factories.forging():
        CustodyEvent.objects.filter(subject=visit.report.pk, event="message:posted").update(
            event="answer:taken_out", object=answer.pk
        )
        Answer.objects.filter(pk=answer.pk).delete()
    assert faults(visit)[answer.pk] == on_record.ROW_GONE


def test_what_was_not_signed_by_the_reporter_is_marked(visit: Visit) -> None:
    other = factories.draft()
    forger = dataclasses.replace(visit, signing_seed=other.signing_seed)
    intake.answer(forger, questions.BY_KEY["words"], "FORGED")
    message = messages.write(forger, "FORGED")
    factories.lines(forger)
    forged = {item.pk for item in EvidenceItem.objects.order_by("-at")[:2]}
    marked = faults(visit)
    assert set(marked.values()) == {on_record.NOT_SIGNED}
    assert {message.pk, *forged} < set(marked)
    assert len(marked) == 4
    assert answers.latest(answers.of_visit(visit))["words"] == "They want 500."


def test_whoever_has_no_key_sees_hashes_and_times_only(visit: Visit) -> None:
    known = on_record.of(visit.report.pk)
    assert known.details == {}
    assert known.plain == {}
    assert all(not entry.detail for entry in known.answers)


def test_the_hash_of_a_file_names_its_object_in_the_vault(visit: Visit) -> None:
    """Computed as custody/README.md says, with nothing of ours."""
    item = EvidenceItem.objects.get(report=visit.report, kind="file")
    with evidence.store().open(item.vault_name) as source:
        sealed = source.read()
    lines = ["file", item.person_id, item.group_id, item.vault_name, str(len(sealed))]
    row = "\n".join([*map(str, lines), hashlib.sha256(sealed).hexdigest(), ""])
    assert on_record.stored_sha256(item) == hashlib.sha256(row.encode()).hexdigest()
