"""The return code as it is typed: what is forgiven, and what can be said about a mistake."""

from __future__ import annotations

import random

import pytest

from reporting.vault import codes
from tests.conftest import count

CODE = codes.ReturnCode("0110199887766554433221115")
assert int(CODE) % 97 == 1


@pytest.mark.parametrize(
    "typed",
    [
        "01101 99887 76655 44332 21115",
        "O11o1-99887-76655-44332-21115",
        "0ll0I.99887.76655.44332.2I115",
        "٠١١٠١ ٩٩٨٨٧ ٧٦٦٥٥ ٤٤٣٣٢ ٢١١١٥",
        "۰۱۱۰۱ ९९८८७ ７６６５５ 44332\n21115\u200e",
    ],
)
def test_what_looks_like_a_digit_is_read_as_one(typed: str) -> None:
    assert codes.parse(typed) == CODE


@pytest.mark.parametrize(
    ("typed", "group"),
    [
        ("01101 9988 76655 44332 21115", 2),
        ("01101 99887 766555 44332 21115", 3),
        ("01101 9988 766555 44332 2111", None),
        ("011019988776655443322111", None),
        ("01101 99887 76x55 44332 21115", 3),
        ("x", 1),
        ("01101 99887 76655 44332 21115 x", 5),
    ],
)
def test_a_group_that_is_no_five_digits_is_named(typed: str, group: int | None) -> None:
    with pytest.raises(codes.NotACode) as mistake:
        codes.parse(typed)
    assert mistake.value.group == group


def _wrong(code: str, dice: random.Random) -> tuple[str, set[int]]:
    """One digit replaced, or two neighbours swapped; the groups in which it is wrong now."""
    place = dice.randrange(24)
    if dice.random() < 0.5:
        other = dice.choice([digit for digit in "0123456789" if digit != code[place]])
        return code[:place] + other + code[place + 1 :], {place // 5 + 1}
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    return swapped, {place // 5 + 1, (place + 1) // 5 + 1}


def test_a_mistyped_group_is_named_only_when_it_is_certain() -> None:
    dice, named, tried = random.Random(1), 0, 0
    for _ in range(2_000):
        code = codes.mint()
        typed, groups = _wrong(code, dice)
        if typed == code:
            continue
        with pytest.raises(codes.NotACode) as mistake:
            codes.parse(typed)
        tried += 1
        if mistake.value.group:
            named += 1
            assert mistake.value.group in groups
    assert named > tried / 20


def test_a_code_is_read_in_any_digits_script() -> None:
    code = codes.mint()
    arabic = codes.grouped(code).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert codes.parse(arabic.replace(" ", "-")) == code
    assert codes.derive(code) == codes.derive(codes.parse(codes.grouped(code)))


@pytest.mark.counted
def test_every_single_mistyped_or_swapped_digit_is_noticed() -> None:
    chance = random.Random(3)
    for _ in range(count(2000, 100)):
        code = codes.mint()
        place = chance.randrange(25)
        wrong = (
            code[:place]
            + str((int(code[place]) + chance.randrange(1, 10)) % 10)
            + code[place + 1 :]
        )
        with pytest.raises(codes.NotACode):
            codes.parse(wrong)
        if place < 24 and code[place] != code[place + 1]:
            with pytest.raises(codes.NotACode):
                codes.parse(code[:place] + code[place + 1] + code[place] + code[place + 2 :])
