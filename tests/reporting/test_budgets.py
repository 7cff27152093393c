"""One report holds so much and no more; what came before stays, and what was typed comes back."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client

from reporting import budgets, evidence, intake, messages, people, questions
from reporting.models import Answer, EvidenceItem, Message
from tests import factories
from tests.reporter import page

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8100"}


def test_text_is_taken_up_to_the_budget_and_refused_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = factories.draft({"words": "x"})
    used = sum(len(bytes(sealed)) for sealed in Answer.objects.values_list("sealed", flat=True))
    monkeypatch.setattr(budgets, "TEXT_BYTES", used + 1000)
    with pytest.raises(budgets.TooMuch, match="kept"):
        intake.answer(visit, questions.BY_KEY["told"], "y" * 1000)
    intake.answer(visit, questions.BY_KEY["told"], "y" * 300)
    with pytest.raises(budgets.TooMuch):
        messages.write(visit, "z" * 300)
    assert (Answer.objects.count(), Message.objects.count()) == (2, 0)


def test_a_line_is_as_long_as_an_act_can_hold() -> None:
    """JSON writes a control character with six; the database takes 131,072 bytes of detail."""
    visit = factories.draft()
    kind, person = EvidenceItem.Kind.LINK, people.harmed(visit.report)
    with transaction.atomic():
        evidence.acquire_text(visit, kind, "\x01" * budgets.LINE, person=person)
    with pytest.raises(budgets.TooMuch, match="longer than 20000"):
        intake.add_lines(visit, kind, ["ok", "these are words " * 2_000])
    assert EvidenceItem.objects.count() == 1


def test_answers_and_messages_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent({"words": "x"})
    monkeypatch.setattr(budgets, "VERSIONS", 3)
    messages.write(visit, "two")
    intake.answer(visit, questions.BY_KEY["told"], "three")
    with pytest.raises(budgets.TooMuch):
        messages.write(visit, "four")
    with pytest.raises(budgets.TooMuch):
        intake.answer(visit, questions.BY_KEY["told"], "four")


def test_a_message_of_the_office_is_always_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent()
    monkeypatch.setattr(budgets, "VERSIONS", 0)
    messages.post(visit.report, "We are here.", by=factories.staff().actor)


@pytest.mark.parametrize(("more", "taken"), [(2, True), (3, False)])
def test_lines_are_taken_all_or_none(
    monkeypatch: pytest.MonkeyPatch, more: int, taken: bool
) -> None:
    visit = factories.draft()
    factories.lines(visit)
    monkeypatch.setattr(budgets, "ITEMS", 4)
    lines = [f"https://example.org/{number}" for number in range(more)]
    if not taken:
        with pytest.raises(budgets.TooMany):
            intake.add_lines(visit, EvidenceItem.Kind.LINK, lines)
    else:
        intake.add_lines(visit, EvidenceItem.Kind.LINK, lines)
    assert EvidenceItem.objects.count() == (4 if taken else 2)


def test_a_file_beyond_the_budget_leaves_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.draft()
    monkeypatch.setattr(budgets, "ITEMS", 1)
    item = factories.file(visit)
    with pytest.raises(budgets.TooMany):
        factories.file(visit)
    assert evidence.store().names() == [item.vault_name]


def test_another_report_has_a_budget_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    full, other = factories.draft(), factories.draft()
    monkeypatch.setattr(budgets, "ITEMS", 2)
    factories.lines(full)
    factories.lines(other)
    assert EvidenceItem.objects.count() == 4


def test_the_page_says_so_and_gives_back_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent()
    monkeypatch.setattr(budgets, "VERSIONS", 0)
    client = Client()
    client.post("/back/", {"code": visit.code}, headers=ORIGIN)
    for path, field in ((page("told"), "answer"), ("/mine/", "text")):
        answered = client.post(path, {field: "what I had typed"}, headers=ORIGIN)
        assert answered.status_code == 422
        shown = answered.content.decode()
        assert "what I had typed" in shown
        assert "as much text as we can take" in shown
