"""Who is in danger first, with reasons. Rules are data: each names the band, and the answer that fired it is shown beside it.

Two scores, never mixed: the band says how dangerous it is, actionability how much a partner could do with it. A rule can only raise a
band; silence is not safety, so unknown age, unknown safety or free text alone never gives P3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

P0, P1, P2, P3 = range(4)
RULES_VERSION = 1
_CHILD = {"under_13", "13_15", "16_17"}


@dataclass(frozen=True)
class Facts:
    """What the rules look at; built from her answers while they are open, never stored."""

    answers: dict[str, Any]
    links: int = 0
    accounts: int = 0
    files: int = 0

    def is_(self, question: str, *values: str) -> bool:
        return self.answers.get(question) in values

    def happened(self, *codes: str) -> bool:
        return bool(set(codes) & set(self.answers.get("what") or []))

    @property
    def child(self) -> bool:
        return self.answers.get("age") in _CHILD


@dataclass(frozen=True)
class Rule:
    id: str
    band: int
    reason: str
    fires: Callable[[Facts], bool]


RULES: tuple[Rule, ...] = (
    Rule("not-safe", P0, "Says: not safe right now", lambda f: f.is_("safe", "no")),
    Rule("hurt-self", P0, "Told to hurt themselves, others or animals", lambda f: f.happened("sadistic")),
    Rule("held", P0, "Trafficking, and controlled by someone", lambda f: f.happened("trafficking") and f.is_("control", "yes", "not_sure")),
    Rule("child-contact", P0, "A child, and grooming or coerced acts", lambda f: f.child and f.happened("grooming", "coerced_acts", "trafficking")),
    Rule("maybe-not-safe", P1, "Is not sure to be safe", lambda f: f.is_("safe", "not_sure")),
    Rule("child", P1, "The harmed person is under 18", lambda f: f.child or f.happened("child_image", "grooming")),
    Rule("controlled", P1, "Someone controls phone, papers or ways", lambda f: f.is_("control", "yes", "not_sure")),
    Rule("trafficking", P1, "Trafficking", lambda f: f.happened("trafficking")),
    Rule("demand", P1, "Extortion with a demand or a time limit", lambda f: f.happened("financial_extortion", "content_extortion") and bool(f.answers.get("deadline"))),
    Rule("money", P1, "Money may still be stopped", lambda f: f.happened("catfishing") and bool(f.answers.get("deadline"))),
    Rule("extortion", P2, "Extortion", lambda f: f.happened("financial_extortion", "content_extortion")),
    Rule("spreading", P2, "An image can be seen at an address", lambda f: f.happened("image_shared") and f.links > 0),
    Rule("stalked", P2, "Followed, watched or exposed", lambda f: f.happened("stalking", "coerced_acts")),
    Rule("age-unknown", P2, "Age not said", lambda f: not f.answers.get("age") or f.is_("age", "not_sure")),
    Rule("safety-unknown", P2, "Safety not said", lambda f: not f.answers.get("safe")),
    Rule("words-only", P2, "Own words only: nobody has read them", lambda f: not f.answers.get("what")),
)  # fmt: skip


def score(facts: Facts) -> tuple[int, list[dict[str, Any]]]:
    """The lowest band number that any rule gives (P3 when none fires), and every rule that fired, most dangerous first."""
    fired = [rule for rule in RULES if rule.fires(facts)]
    reasons = [
        {"rule": rule.id, "band": rule.band, "reason": rule.reason}
        for rule in sorted(fired, key=lambda rule: rule.band)
    ]
    return min((rule.band for rule in fired), default=P3), reasons


def actionability(facts: Facts) -> int:
    """0 to 100: how much a partner could act on. Independent of the band."""
    parts = (
        (20, bool(facts.answers.get("words"))),
        (25, facts.accounts > 0),
        (15, facts.links > 0),
        (30, facts.files > 0),
        (10, bool(facts.answers.get("deadline") or facts.answers.get("told"))),
    )
    return sum(points for points, there in parts if there)
