"""Answers: every version stays, with the wording that was shown; before sending, what decides
nothing may go."""

from __future__ import annotations

import dataclasses

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client
from django.utils import translation

from cases import records
from reporting import answers, embedded, intake, on_record, questions
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, Report
from reporting.records import AnswerRecord, UnknownRecord
from reporting.sessions import Visit
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8100"}


def versions(visit: Visit, key: str) -> list[object]:
    return [answer.value for answer in answers.of_visit(visit) if answer.key == key]


def ids(visit: Visit, key: str) -> list[str]:
    return [answer.id for answer in answers.of_visit(visit) if answer.key == key]


def test_every_version_is_kept_in_order_in_a_draft_and_after_sending() -> None:
    visit = factories.draft()
    intake.answer(visit, questions.BY_KEY["words"], "second thoughts")
    intake.submit(visit)
    intake.answer(visit, questions.BY_KEY["words"], "a correction")
    assert versions(visit, "words") == [
        factories.ADULT_EXTORTION["words"],
        "second thoughts",
        "a correction",
    ]
    assert answers.latest(answers.of_visit(visit))["words"] == "a correction"


def test_the_same_answer_again_is_no_new_version() -> None:
    visit = factories.draft()
    before = CustodyEvent.objects.count()
    intake.answer(visit, questions.BY_KEY["words"], factories.ADULT_EXTORTION["words"])
    assert (len(versions(visit, "words")), CustodyEvent.objects.count()) == (1, before)


def test_an_answer_given_back_and_forth_is_three_versions() -> None:
    visit = factories.draft()
    for safe in ("no", "yes"):
        intake.answer(visit, questions.BY_KEY["safe"], safe)
    assert versions(visit, "safe") == ["yes", "no", "yes"]


def test_the_wording_that_was_shown_is_kept_with_its_choices_and_language() -> None:
    with translation.override("en"):
        visit = factories.draft({"age": "adult"})
    (given,) = answers.of_visit(visit)
    assert given.record is not None
    assert given.record.wording == str(questions.BY_KEY["age"].text)
    assert given.record.lines == ["18 or older"]
    assert (given.record.language, given.record.typed_by) == ("en", "reporter")


class TestTakingOut:
    def test_a_version_is_gone_with_its_act_on_record_and_the_ledger_sound(self) -> None:
        visit = factories.draft()
        intake.answer(visit, questions.BY_KEY["words"], "second thoughts")
        first, second = ids(visit, "words")
        answers.take_out(visit, first)
        assert ids(visit, "words") == [second]
        assert not Answer.objects.filter(pk=first).exists()
        assert CustodyEvent.objects.filter(event="answer:taken_out", object=first).exists()
        assert list(records.faults()) == []
        intake.submit(visit)
        assert on_record.of(visit.report.pk, visit.secret).faults == []

    @pytest.mark.parametrize("key", ["age", "who", "what"])
    def test_what_decides_about_files_stays(self, key: str) -> None:
        visit = factories.draft()
        (answer,) = ids(visit, key)
        with pytest.raises(answers.CannotTakeOut):
            answers.take_out(visit, answer)
        assert ids(visit, key) == [answer]

    def test_the_age_answer_of_a_file_group_stays(self) -> None:
        visit = factories.draft()
        intake.open_file_group(visit, "no")
        (answer,) = ids(visit, "shown_adult")
        with pytest.raises(answers.CannotTakeOut):
            answers.take_out(visit, answer)

    def test_nothing_is_taken_out_after_sending(self) -> None:
        visit = factories.sent()
        (answer,) = ids(visit, "words")
        with pytest.raises(answers.CannotTakeOut):
            answers.take_out(visit, answer)
        assert ids(visit, "words") == [answer]

    def test_nothing_of_another_report_is_taken_out(self) -> None:
        visit, other = factories.draft(), factories.draft()
        (answer,) = ids(other, "words")
        with pytest.raises(answers.CannotTakeOut):
            answers.take_out(visit, answer)
        assert ids(other, "words") == [answer]

    def test_from_the_page_where_answers_are_checked(self) -> None:
        visit = factories.draft()
        intake.answer(visit, questions.BY_KEY["words"], "second thoughts")
        client = Client()
        client.post("/back/", {"code": visit.code}, headers=ORIGIN)
        assert factories.ADULT_EXTORTION["words"] in client.get("/check/").content.decode()
        first, _second = ids(visit, "words")
        client.post(f"/more/answer/{first}/out/", headers=ORIGIN)
        shown = client.get("/check/").content.decode()
        assert factories.ADULT_EXTORTION["words"] not in shown
        assert "second thoughts" in shown
        (age,) = ids(visit, "age")
        assert client.post(f"/more/answer/{age}/out/", headers=ORIGIN).status_code == 409


def test_an_answer_is_stored_with_its_act_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.draft()
    before = CustodyEvent.objects.count()
    monkeypatch.setattr(answers, "_insert", lambda *arguments, **options: None)
    with pytest.raises(IntegrityError, match=r"answer:saved of A-.* it is not there"):
        intake.answer(visit, questions.BY_KEY["words"], "an act without its row")
    assert CustodyEvent.objects.count() == before


def test_an_answer_cannot_follow_a_head_that_has_moved_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A captured act is good for one place of one chain."""
    visit = factories.draft()
    monkeypatch.setattr("reporting.signed.head", lambda report: "0" * 64)
    with pytest.raises(OperationalError, match="moved on"):
        intake.answer(visit, questions.BY_KEY["words"], "x")


def test_a_report_of_another_reporter_cannot_be_answered() -> None:
    """The visit decides, not the id: another report's row under this visit's key is a fault."""
    visit, other = factories.draft(), factories.draft()
    mixed = dataclasses.replace(visit, report=other.report)
    intake.answer(mixed, questions.BY_KEY["words"], "in another report")
    assert "in another report" not in versions(other, "words")
    assert on_record.of(other.report.pk, other.secret).faults != []


@pytest.mark.parametrize(
    "record",
    [{}, [], {"version": 2}, {"version": 1}, {"version": 1, "value": "x", "choices": [["a"]]}],
)
def test_a_record_of_another_shape_is_refused(record: object) -> None:
    with pytest.raises(UnknownRecord):
        AnswerRecord.from_record(record)  # type: ignore[arg-type]


def test_refused_text_leaves_the_draft_as_it_was() -> None:
    visit = factories.draft()
    with pytest.raises(embedded.FileInText):
        intake.answer(visit, questions.BY_KEY["words"], "data:image/png;base64," + "Ab3" * 100)
    assert versions(visit, "words") == [factories.ADULT_EXTORTION["words"]]
    assert Report.objects.get(pk=visit.report.pk).state == Report.State.DRAFT
