"""What a partner gets is named; whatever nobody named stays here (code review, 0)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reporting import acts, intake, questions
from tests.attacks.tools import content, withheld
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.usefixtures("papers_can_be_searched"),
]


def test_the_answer_to_a_new_question_stays_here(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = questions.Question("shelter", questions.Kind.TEXT, "Where do you sleep?", "Why")
    monkeypatch.setitem(questions.BY_KEY, asked.key, asked)
    monkeypatch.setitem(questions.POSITION, asked.key, len(questions.POSITION) + 1)
    intake.answer(office.visit, asked, "canary of a shelter")
    package = office.unpacked(office.package(), tmp_path)
    assert "canary of a shelter" not in content(package)
    whys = [why for what, why in withheld(package).items() if "Where do you sleep?" in what]
    assert whys == ["not for partners"]


def test_an_answer_leaves_when_its_question_names_the_profile(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = replace(questions.BY_KEY["contact"], shared=frozenset({"le-full"}))
    monkeypatch.setitem(questions.BY_KEY, told.key, told)
    intake.answer(office.visit, told, "canary of a contact")
    assert "canary of a contact" in content(office.unpacked(office.package(), tmp_path))


def test_the_details_of_acts_that_no_partner_sees_are_in_no_package(
    office: Office, tmp_path: Path
) -> None:
    package = office.unpacked(office.package(), tmp_path)
    ledger = package / "data/custody/ledger"
    kept_back = revealed = 0
    for path in ledger.glob("*.json"):
        act = json.loads(path.read_text())
        known = acts.BY_NAME[act["event"]]
        shown = path.with_suffix(".detail").exists()
        # The details of answers in the statement may go with it; of others, none.
        if not known.partner_sees and act["event"] != "answer:saved":
            assert not shown, act["event"]
            kept_back += 1
        revealed += shown
    assert kept_back
    assert revealed


def test_an_act_is_for_no_partner_unless_it_says_so() -> None:
    assert not acts.Act("note:new", frozenset(), "did something new").partner_sees
    assert not acts.Act("note:new", frozenset(), "did something new").reporter_sees
