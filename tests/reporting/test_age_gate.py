"""Promise 7: bytes only where everyone was an adult in every answer ever given; anything else is a
no, for good."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from cases.casework import acts
from cases.operations.acting import acting_as
from reporting import age_gate, answers, evidence, harms, intake, on_record, quarantine, questions
from reporting.answers import Given
from reporting.models import Answer, EvidenceItem, FileGroup, Quarantine
from reporting.records import AnswerRecord
from reporting.sessions import Visit
from tests import factories
from tests.reporter import page

ORIGIN = {"origin": "http://localhost:8100"}

AGES = (None, "under_13", "13_15", "16_17", "not_sure", "adult")
WHO = (None, "me", "child", "known", "client", "bystander")
WHAT: tuple[Any, ...] = (
    None,
    [],
    ["financial_extortion"],
    ["child_image"],
    ["financial_extortion", "child_image"],
)
SHOWN = (None, "", "no", "not_sure", "yes")

GROUP = FileGroup(pk="G-000000000001")
OTHER = "G-000000000002"


def given(key: str, value: Any, group: str | None = None) -> Given:
    """One version; a value of None is one that cannot be read."""
    record = None if value is None else AnswerRecord(value, "", (), "en", "reporter")
    return Given(f"A-{key}", key, record, None, group, "" if record else "not readable")


def taken(versions: list[Given]) -> bool:
    try:
        age_gate.check_may_send_files(versions, GROUP)
    except age_gate.BytesNotTaken:
        return False
    return True


def histories(values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Never answered, answered once, answered twice: in every order."""
    return itertools.chain([()], *(itertools.product(values, repeat=length) for length in (1, 2)))


def adult_and_yes() -> list[Given]:
    return [given("age", "adult"), given("shown_adult", "yes", GROUP.pk)]


class TestTruthTable:
    """The expected side is written anew here, not taken from the code."""

    @pytest.mark.parametrize("ages", list(histories(AGES)), ids=repr)
    def test_every_history_of_the_age(self, ages: tuple[str | None, ...]) -> None:
        versions = [given("age", age) for age in ages]
        shown = [given("shown_adult", "yes", GROUP.pk)]
        assert taken([*versions, *shown]) == (len(ages) > 0 and set(ages) == {"adult"})

    @pytest.mark.parametrize("who", list(histories(WHO)), ids=repr)
    def test_every_history_of_who_it_happened_to(self, who: tuple[str | None, ...]) -> None:
        versions = [given("who", value) for value in who]
        assert taken([*versions, *adult_and_yes()]) == (set(who) <= {"me", "known", "client"})

    @pytest.mark.parametrize("what", list(histories(WHAT)), ids=repr)
    def test_every_history_of_what_happened(self, what: tuple[Any, ...]) -> None:
        versions = [given("what", value) for value in what]
        clean = all(value is not None and "child_image" not in value for value in what)
        assert taken([*versions, *adult_and_yes()]) == clean

    @pytest.mark.parametrize("shown", list(histories(SHOWN)), ids=repr)
    def test_every_history_of_the_group(self, shown: tuple[str | None, ...]) -> None:
        versions = [given("shown_adult", value, GROUP.pk) for value in shown]
        allowed = len(shown) > 0 and set(shown) == {"yes"}
        assert taken([given("age", "adult"), *versions]) == allowed

    def test_all_questions_together_and_in_any_order(self) -> None:
        """One version of each question: open in the few cells where nothing contradicts, however
        they are ordered."""
        opened = 0
        for age, who, what, shown in itertools.product(AGES, WHO, WHAT, SHOWN):
            versions = [
                given("age", age),
                given("who", who),
                given("what", what),
                given("shown_adult", shown, GROUP.pk),
            ]
            expected = (
                age == "adult"
                and who in {"me", "known", "client"}
                and what in ([], ["financial_extortion"])
                and shown == "yes"
            )
            assert taken(versions) == taken(versions[::-1]) == expected, (age, who, what, shown)
            opened += expected
        assert opened == 6

    def test_a_yes_for_other_files_opens_nothing(self) -> None:
        assert not taken([given("age", "adult"), given("shown_adult", "yes", OTHER)])
        assert not taken([given("age", "adult"), given("shown_adult", "yes")])

    def test_a_no_for_other_files_closes_only_those(self) -> None:
        assert taken([*adult_and_yes(), given("shown_adult", "no", OTHER)])

    def test_an_age_given_for_a_group_is_no_age_of_the_person(self) -> None:
        with pytest.raises(age_gate.BytesNotTaken):
            age_gate.check_may_send_files(adult_and_yes(), None)

    @pytest.mark.parametrize("harm", [harm.code for harm in harms.ALL if harm.of_children])
    def test_every_harm_of_children_closes_the_gate(self, harm: str) -> None:
        assert not taken([given("what", [harm]), *adult_and_yes()])

    def test_another_question_that_cannot_be_read_closes_nothing(self) -> None:
        assert taken([given("words", None), *adult_and_yes()])


def test_the_questions_that_the_gate_reads_keep_every_version() -> None:
    marked = {key for key, question in questions.BY_KEY.items() if question.decides_about_files}
    assert marked == age_gate.DECIDING


@pytest.mark.django_db(transaction=True)
class TestDoor:
    """The same under the public door's role, from answers as they are kept."""

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ({"age": "under_13"}, "yes"),
            ({"age": "13_15"}, "yes"),
            ({"age": "16_17"}, "yes"),
            ({"age": "not_sure"}, "yes"),
            ({}, "yes"),
            ({"age": "adult"}, "no"),
            ({"age": "adult"}, "not_sure"),
            ({"age": "adult", "who": "bystander"}, "yes"),
            ({"age": "adult", "who": "child"}, "yes"),
            ({"age": "adult", "what": ["child_image"]}, "yes"),
        ],
    )
    def test_no_bytes(self, given: dict[str, Any], shown: str) -> None:
        visit = factories.draft({"words": "x", **given})
        group = intake.open_file_group(visit, shown)
        with pytest.raises(age_gate.BytesNotTaken):
            intake.add_file(visit, group, "x.jpg", [b"x"])
        assert evidence.store().names() == []

    @pytest.mark.parametrize("sent", [False, True], ids=["draft", "sent"])
    @pytest.mark.parametrize(
        ("key", "closing", "opening"),
        [
            ("age", "13_15", "adult"),
            ("age", "not_sure", "adult"),
            ("who", "child", "me"),
            ("who", "bystander", "me"),
            ("what", ["child_image"], ["financial_extortion"]),
        ],
    )
    def test_a_corrected_answer_does_not_open_the_gate_again(
        self, key: str, closing: Any, opening: Any, sent: bool
    ) -> None:
        visit = factories.draft({**factories.ADULT_EXTORTION, key: closing})
        if sent:
            intake.submit(visit)
        intake.answer(visit, questions.BY_KEY[key], opening)
        assert answers.latest(answers.of_visit(visit))[key] == opening
        assert self.refused(visit)

    def test_a_corrected_answer_about_a_group_does_not_open_it_again(self) -> None:
        visit = factories.draft()
        group = intake.open_file_group(visit, "no")
        intake.change_file_group(visit, group, "yes")
        with pytest.raises(age_gate.BytesNotTaken):
            intake.add_file(visit, group, "x.jpg", [b"x"])
        assert not self.refused(visit)  # other files, with an answer of their own

    def test_the_gate_is_asked_again_when_the_bytes_are_there(self) -> None:
        """The answer changes while the file is on its way: nothing of it is kept."""
        visit = factories.draft()
        group = intake.open_file_group(visit, "yes")

        def slow() -> Iterator[bytes]:
            yield b"first half"
            intake.answer(visit, questions.BY_KEY["age"], "16_17")
            yield b"second half"

        with pytest.raises(age_gate.BytesNotTaken):
            intake.add_file(visit, group, "x.jpg", slow())
        assert evidence.store().names() == []
        assert not EvidenceItem.objects.exists()

    def test_a_group_of_another_report_opens_nothing(self) -> None:
        mine, other = factories.draft(), factories.draft()
        group = intake.open_file_group(other, "yes")
        with pytest.raises(age_gate.BytesNotTaken):
            intake.add_file(mine, group, "x.jpg", [b"x"])

    def test_an_answer_whose_row_was_removed_closes_the_gate(self) -> None:
        """Without the row nobody knows what was answered; the act says that something was."""
        visit = factories.draft()
        intake.answer(visit, questions.BY_KEY["who"], "known")
        with factories.forging():
            Answer.objects.filter(question="who").first().delete()  # type: ignore[union-attr]
        assert self.refused(visit)

    @pytest.mark.parametrize(
        ("question", "value"),
        [
            ("age", "16_17"),
            ("age", "not_sure"),
            ("who", "bystander"),
            ("who", "child"),
            ("what", ["child_image"]),
        ],
    )
    def test_an_answer_changed_after_an_upload_quarantines_the_file(
        self, question: str, value: Any
    ) -> None:
        visit = factories.draft()
        item = factories.file(visit)
        intake.answer(visit, questions.BY_KEY[question], value)
        assert item.pk in quarantine.closed(visit.report.pk)
        (entry,) = on_record.of(visit.report.pk, visit.secret).items
        with pytest.raises(evidence.NotOpenable, match="locked"):
            list(evidence.open_sealed(entry, visit.secret))
        with pytest.raises(evidence.NotOpenable):
            evidence.remove_from_draft(visit, item.pk)
        assert evidence.store().names() == [item.vault_name]

    def test_a_changed_answer_about_a_file_group_quarantines_only_that_group(self) -> None:
        visit = factories.draft()
        first, second = factories.file(visit), factories.file(visit)
        assert first.group is not None
        intake.change_file_group(visit, first.group, "not_sure")
        assert quarantine.closed(visit.report.pk) == {first.pk}
        intake.change_file_group(visit, first.group, "yes")
        assert quarantine.closed(visit.report.pk) == {first.pk}
        assert second.pk not in quarantine.closed(visit.report.pk)

    def test_even_the_owner_needs_an_act_to_remove_a_quarantined_item(self) -> None:
        visit = factories.draft()
        item = factories.file(visit)
        with acting_as("public"):
            quarantine.close(visit.report.pk, item.pk, reason="x")
        with pytest.raises(IntegrityError, match="not on record"):
            item.delete()
        with pytest.raises(IntegrityError, match="not on record"):
            Quarantine.objects.update(state=Quarantine.State.RELEASED)

    @staticmethod
    def refused(visit: Visit) -> bool:
        group = intake.open_file_group(visit, "yes")
        try:
            intake.add_file(visit, group, "x.jpg", [b"x"])
        except age_gate.BytesNotTaken:
            return True
        return False


@pytest.mark.django_db(transaction=True)
def test_a_found_code_learns_no_age_from_the_page_for_files() -> None:
    pages = {}
    for age in ("adult", "13_15"):
        visit = factories.sent({**factories.ADULT_EXTORTION, "age": age})
        client = Client()
        client.post("/back/", {"code": visit.code}, headers=ORIGIN)
        pages[age] = client.get("/more/").content.decode()
    assert "when they were made?" in pages["adult"]
    assert pages["adult"] == pages["13_15"]
    client.post("/more/age/", {"shown_adult": "yes"}, headers=ORIGIN)
    refused = client.get("/more/").content.decode()
    assert age_gate.CLOSED in refused
    assert "somebody under 18 was harmed" not in refused
    client.post(page("age"), {"answer": "adult"}, headers=ORIGIN)
    assert age_gate.CLOSED in client.get("/more/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_person_of_the_office_opens_the_way_again_and_the_next_answer_closes_it() -> None:
    visit = factories.sent({**factories.ADULT_EXTORTION, "age": "not_sure"})
    case = factories.case(visit, by=factories.staff())
    intake.answer(visit, questions.BY_KEY["age"], "adult")
    group = intake.open_file_group(visit, "yes")
    with pytest.raises(age_gate.BytesNotTaken):
        intake.add_file(visit, group, "x.jpg", [b"x"])
    acts.allow_files(case.case_reports.get().report, "called back: 34", by=factories.staff())
    assert intake.add_file(visit, group, "x.jpg", [b"x"]).pk
    intake.answer(visit, questions.BY_KEY["age"], "16_17")
    with pytest.raises(age_gate.BytesNotTaken):
        intake.add_file(visit, group, "y.jpg", [b"y"])
