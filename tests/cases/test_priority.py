"""The priority rules: which answers give which band."""

from __future__ import annotations

from typing import Any

import pytest

from cases.triage import priority


@pytest.mark.parametrize(
    ("answers", "band"),
    [
        ({"safe": "no"}, priority.P0),
        ({"safe": "yes", "age": "13_15", "what": ["grooming"]}, priority.P0),
        ({"safe": "yes", "age": "adult", "what": ["sadistic"]}, priority.P0),
        (
            {"safe": "yes", "age": "adult", "what": ["trafficking"], "control": "yes"},
            priority.P0,
        ),
        ({"safe": "not_sure", "age": "adult", "what": ["abuse"]}, priority.P1),
        (
            {
                "safe": "yes",
                "age": "adult",
                "what": ["financial_extortion"],
                "deadline": "Friday",
            },
            priority.P1,
        ),
        ({"safe": "yes", "age": "adult", "what": ["financial_extortion"]}, priority.P2),
        ({"safe": "yes", "age": "adult", "what": ["abuse"]}, priority.P3),
    ],
)
def test_band(answers: dict[str, Any], band: int) -> None:
    assert priority.score(priority.Facts(answers))[0] == band


@pytest.mark.parametrize("silent", ["safe", "age", "what"])
def test_a_missing_answer_does_not_give_the_lowest_band(silent: str) -> None:
    answers: dict[str, Any] = {"safe": "yes", "age": "adult", "what": ["abuse"]}
    del answers[silent]
    band, reasons = priority.score(priority.Facts(answers))
    assert band < priority.P3
    assert reasons


def test_a_complete_report_is_not_more_urgent() -> None:
    full = priority.Facts(
        {"safe": "yes", "age": "adult", "what": ["abuse"], "words": "x"},
        links=9,
        accounts=9,
        files=9,
    )
    bare = priority.Facts({"safe": "no"})
    assert priority.score(full)[0] > priority.score(bare)[0]
    assert priority.actionability(full) > priority.actionability(bare)
