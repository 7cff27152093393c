"""Interleaving, medians, spread, verdicts: the arithmetic of a bench."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from tests.bench import say

LEAST_ROUNDS = 5
WIDEST_SPREAD = 0.25

Verdict = Literal["meets", "short", "void"]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Goal:
    """A limit on a row's ratio (ours divided by the yardstick) or on our figure itself."""

    of: Literal["ratio", "ours"]
    sign: Literal["≥", "≤"]
    limit: float

    def __str__(self) -> str:
        return f"{self.of} {self.sign} {self.limit:,g}"

    def is_met(self, *, ours: float, ratio: float | None) -> bool:
        value = ratio if self.of == "ratio" else ours
        if value is None:
            return False
        return value >= self.limit if self.sign == "≥" else value <= self.limit


@dataclass(frozen=True)
class Row:
    """One line of the result; its fields are the keys of `--json`.

    `yardstick` and `ratio` are None for a figure that is a count and not a speed.
    """

    bench: str
    what: str
    unit: str
    ours: float
    yardstick: float | None
    ratio: float | None
    goal: str
    verdict: Verdict


def interleave(
    rounds: int, ours: Callable[[], T], yardstick: Callable[[], U]
) -> tuple[list[T], list[U]]:
    """What both returned, round by round. Who goes first alternates, so that neither always finds
    the machine as the other left it; one round before the first is not counted (cold caches)."""
    ours(), yardstick()
    ours_returned, yardstick_returned = [], []
    for number in range(rounds):
        if number % 2:
            ours_returned.append(ours())
            yardstick_returned.append(yardstick())
        else:
            yardstick_returned.append(yardstick())
            ours_returned.append(ours())
    return ours_returned, yardstick_returned


def spread(figures: Sequence[float]) -> float:
    """How far the figures lie apart: (largest − smallest) ÷ median."""
    return (max(figures) - min(figures)) / statistics.median(figures)


def p95(figures: Sequence[float]) -> float:
    """The figure that nineteen in twenty do not exceed (nearest rank)."""
    return sorted(figures)[-(-len(figures) * 95 // 100) - 1]


def compared(
    bench: str,
    what: str,
    unit: str,
    *,
    ours: Sequence[float],
    yardstick: Sequence[float],
    goal: Goal,
) -> Row:
    """A row of medians. Void when the yardstick alone spreads too far: the machine was not quiet
    enough to say anything about us, good or bad."""
    if min(len(ours), len(yardstick)) < LEAST_ROUNDS:
        raise ValueError(f"{what}: a median needs {LEAST_ROUNDS} rounds")
    say(f"  {what} ({unit})\n    ours {_listed(ours)}\n    yardstick {_listed(yardstick)}")
    ours_median, yardstick_median = statistics.median(ours), statistics.median(yardstick)
    ratio = ours_median / yardstick_median
    verdict: Verdict = "meets" if goal.is_met(ours=ours_median, ratio=ratio) else "short"
    if spread(yardstick) > WIDEST_SPREAD:
        verdict = "void"
    return Row(
        bench=bench,
        what=what,
        unit=unit,
        ours=_short(ours_median),
        yardstick=_short(yardstick_median),
        ratio=_short(ratio),
        goal=str(goal),
        verdict=verdict,
    )


def counted(bench: str, what: str, unit: str, *, ours: float, goal: Goal) -> Row:
    """A row for something that is counted and has no yardstick, such as refused requests."""
    verdict: Verdict = "meets" if goal.is_met(ours=ours, ratio=None) else "short"
    return Row(bench, what, unit, _short(ours), None, None, str(goal), verdict)


def _listed(figures: Sequence[float]) -> str:
    listed = ", ".join(f"{_short(figure):g}" for figure in figures)
    return f"{listed}; spread {spread(figures):.0%}"


def _short(figure: float) -> float:
    """Four digits: more would look more exact than a median of a few rounds is."""
    return float(f"{figure:.4g}")
