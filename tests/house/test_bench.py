"""The arithmetic of the benches and the shape of what they print. Nothing is timed here."""

from __future__ import annotations

import importlib
import json

import pytest

from tests.bench.__main__ import BENCHES, as_json, as_table, main
from tests.bench.rounds import Goal, Row, compared, counted, interleave, p95, spread

HALF = Goal("ratio", "≥", 0.5)
STEADY = [100.0, 101.0, 99.0, 100.0, 102.0]


def _row(ours: list[float], yardstick: list[float], goal: Goal = HALF) -> Row:
    return compared("seal", "a file", "MiB/s", ours=ours, yardstick=yardstick, goal=goal)


def test_a_row_holds_medians_and_their_ratio() -> None:
    row = _row([10.0, 60.0, 55.0, 70.0, 50.0], STEADY)
    assert (row.ours, row.yardstick, row.ratio) == (55.0, 100.0, 0.55)
    assert (row.goal, row.verdict) == ("ratio ≥ 0.5", "meets")


def test_a_row_below_its_goal_is_short() -> None:
    assert _row([49.0] * 5, STEADY).verdict == "short"
    assert _row([50.0] * 5, STEADY).verdict == "meets"


def test_a_goal_can_limit_our_own_figure_from_either_side() -> None:
    assert _row([51.0] * 5, STEADY, Goal("ours", "≥", 50)).verdict == "meets"
    assert _row([49.0] * 5, STEADY, Goal("ours", "≥", 50)).verdict == "short"
    assert _row([2.0] * 5, STEADY, Goal("ours", "≤", 2)).verdict == "meets"
    assert _row([2.1] * 5, STEADY, Goal("ours", "≤", 2)).verdict == "short"


def test_spread_is_the_distance_of_the_extremes_over_the_median() -> None:
    assert spread([80.0, 100.0, 100.0, 100.0, 105.0]) == 0.25


def test_a_row_is_void_when_its_yardstick_spreads_more_than_a_quarter() -> None:
    assert _row([90.0] * 5, [80.0, 100.0, 100.0, 100.0, 105.0]).verdict == "meets"
    assert _row([90.0] * 5, [79.0, 100.0, 100.0, 100.0, 105.0]).verdict == "void"


def test_our_own_spread_does_not_excuse_us() -> None:
    assert _row([10.0, 200.0, 20.0, 30.0, 40.0], STEADY).verdict == "short"


def test_a_median_of_four_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="5 rounds"):
        _row([1.0] * 4, STEADY)
    with pytest.raises(ValueError, match="5 rounds"):
        _row([1.0] * 5, STEADY[:4])


def test_a_count_has_no_yardstick_and_no_ratio() -> None:
    none = counted("submit", "server errors", "answers", ours=0, goal=Goal("ours", "≤", 0))
    assert (none.yardstick, none.ratio, none.verdict) == (None, None, "meets")
    assert counted("s", "w", "u", ours=1, goal=Goal("ours", "≤", 0)).verdict == "short"


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([float(n) for n in range(1, 101)], 95.0),
        ([float(n) for n in range(1, 21)], 19.0),
        ([3.0, 1.0, 2.0], 3.0),
        ([7.0], 7.0),
    ],
)
def test_p95_is_the_nearest_rank(figures: list[float], expected: float) -> None:
    assert p95(figures) == expected


def test_rounds_are_interleaved_after_one_that_is_not_counted() -> None:
    order: list[str] = []

    def ours() -> int:
        order.append("ours")
        return len(order)

    def yardstick() -> int:
        order.append("yardstick")
        return len(order)

    returned = interleave(3, ours, yardstick)
    pair, turned = ["ours", "yardstick"], ["yardstick", "ours"]
    assert order == [*pair, *turned, *pair, *turned]
    assert returned == ([4, 5, 8], [3, 6, 7])


def test_json_is_one_array_of_rows_with_exactly_these_keys() -> None:
    count = counted("upload", "memory", "MiB", ours=12.3456, goal=Goal("ours", "≤", 64))
    printed = json.loads(as_json([_row([60.0] * 5, STEADY), count]))
    keys = ["bench", "what", "unit", "ours", "yardstick", "ratio", "goal", "verdict"]
    assert [list(row) for row in printed] == [keys, keys]
    assert printed[0]["ratio"] == 0.6
    expected = ["upload", "memory", "MiB", 12.35, None, None, "ours ≤ 64", "meets"]
    assert list(printed[1].values()) == expected


def test_the_table_has_the_same_columns_one_line_a_row() -> None:
    ledger = _row([150_000.0] * 5, [300_000.0] * 5, Goal("ours", "≥", 150_000))
    head, line = as_table([ledger]).splitlines()
    columns = ["bench", "what", "unit", "ours", "yardstick", "ratio", "goal", "verdict"]
    assert head.split() == columns
    assert line.split()[-7:] == ["150,000", "300,000", "0.5", "ours", "≥", "150,000", "meets"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["seal", "sael"], "seal, upload, submit, ledger, package"), (["--rounds", "4"], "5 rounds")],
)
def test_a_wrong_name_or_too_few_rounds_end_with_2_before_anything_runs(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert said in printed.err
    assert printed.out == ""


def test_json_stands_alone_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = _row([60.0] * 5, STEADY)
    monkeypatch.setattr("tests.bench.__main__._in_a_process_of_its_own", lambda *_: [row])
    assert main(["seal", "--json"]) == 0
    printed = capsys.readouterr()
    assert [found["bench"] for found in json.loads(printed.out)] == ["seal"]
    assert "seal: 5 rounds" in printed.err


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_has_the_one_shape(name: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{name}").run)
