"""The urgency of a report, by rules. Each rule names a band and the reason that is kept and shown
when it fires.

Two scores, never mixed: the band says how dangerous it is, actionability how much a partner could
do with it. A rule can only raise the band. Missing answers do not count as safe: unknown age,
unknown safety or free text alone never gives P3.
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
    """What the rules read: built from the opened answers, never stored.

    `answers`: the key of a question → its latest value. The rest are numbers of evidence items.
    """

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

    @property
    def controlled(self) -> bool:
        return self.is_("control", "yes", "not_sure")

    @property
    def extorted(self) -> bool:
        return self.happened("financial_extortion", "content_extortion")

    @property
    def has_deadline(self) -> bool:
        return bool(self.answers.get("deadline"))


@dataclass(frozen=True)
class Rule:
    """`id` is what the ledger records; `reason` is shown to staff."""

    id: str
    band: int
    reason: str
    fires: Callable[[Facts], bool]


RULES: tuple[Rule, ...] = (
    Rule("not-safe", P0, "Says: not safe right now", lambda f: f.is_("safe", "no")),
    Rule(
        "hurt-self",
        P0,
        "Told to hurt themselves, others or animals",
        lambda f: f.happened("sadistic"),
    ),
    Rule(
        "held",
        P0,
        "Trafficking, and controlled by someone",
        lambda f: f.happened("trafficking") and f.controlled,
    ),
    Rule(
        "child-contact",
        P0,
        "A child, and grooming or coerced acts",
        lambda f: f.child and f.happened("grooming", "coerced_acts", "trafficking"),
    ),
    Rule("maybe-not-safe", P1, "Is not sure to be safe", lambda f: f.is_("safe", "not_sure")),
    Rule(
        "child",
        P1,
        "The harmed person is under 18",
        lambda f: f.child or f.happened("child_image", "grooming"),
    ),
    Rule("controlled", P1, "Someone controls phone, papers or ways", lambda f: f.controlled),
    Rule("trafficking", P1, "Trafficking", lambda f: f.happened("trafficking")),
    Rule(
        "demand",
        P1,
        "Extortion with a demand or a time limit",
        lambda f: f.extorted and f.has_deadline,
    ),
    Rule(
        "money",
        P1,
        "Money may still be stopped",
        lambda f: f.happened("catfishing") and f.has_deadline,
    ),
    Rule("extortion", P2, "Extortion", lambda f: f.extorted),
    Rule(
        "spreading",
        P2,
        "An image can be seen at an address",
        lambda f: f.happened("image_shared") and f.links > 0,
    ),
    Rule(
        "stalked",
        P2,
        "Followed, watched or exposed",
        lambda f: f.happened("stalking", "coerced_acts"),
    ),
    Rule(
        "age-unknown",
        P2,
        "Age not said",
        lambda f: not f.answers.get("age") or f.is_("age", "not_sure"),
    ),
    Rule("safety-unknown", P2, "Safety not said", lambda f: not f.answers.get("safe")),
    Rule(
        "words-only",
        P2,
        "Own words only: nobody has read them",
        lambda f: not f.answers.get("what"),
    ),
)


def score(facts: Facts) -> tuple[int, list[dict[str, Any]]]:
    """The lowest band number that any rule gives (P3 if none fires), and a {rule, band, reason} of
    every rule that fired, most dangerous first."""
    fired = sorted((rule for rule in RULES if rule.fires(facts)), key=lambda rule: rule.band)
    reasons = [{"rule": rule.id, "band": rule.band, "reason": rule.reason} for rule in fired]
    return fired[0].band if fired else P3, reasons


def actionability(facts: Facts) -> int:
    """0 to 100: how much a partner could act on. Independent of the band."""
    parts = (
        (20, bool(facts.answers.get("words"))),
        (25, facts.accounts > 0),
        (15, facts.links > 0),
        (30, facts.files > 0),
        (10, facts.has_deadline or bool(facts.answers.get("told"))),
    )
    return sum(points for points, there in parts if there)
