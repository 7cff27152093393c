"""Every function of the office that a person calls asks for a permission first, and a change asks
for more than the permission to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[2] / "cases"
READING = "READ_QUEUE"
# What every role may do, with the reason; everything else asks for a permission of its own.
_FOR_EVERY_ROLE = {
    "triage/decisions.py:take",  # it records that a person began to read
    "reports/reading.py:open_report",  # it reads
    "casework/examination.py:may_show_a_child",  # it only closes, and nobody should have to wait
}


def _functions() -> Iterator[tuple[str, ast.FunctionDef, dict[str, ast.FunctionDef]]]:
    """Every public function with a keyword `by` that is a person, beside the functions of its
    module."""
    for path in sorted(CASES.rglob("*.py")):
        tree = ast.parse(path.read_text())
        beside = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for name, function in beside.items():
            people = [
                argument.arg
                for argument in function.args.kwonlyargs
                if argument.annotation and ast.unparse(argument.annotation) == "StaffMember"
            ]
            if "by" in people and not name.startswith("_"):
                yield f"{path.relative_to(CASES)}:{name}", function, beside


def _asked(function: ast.FunctionDef, beside: dict[str, ast.FunctionDef]) -> set[str]:
    """The permissions it asks for, itself or through functions of its module."""
    asked: set[str] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in {"check_may", "may"}:
            asked |= {ast.unparse(argument).removeprefix("May.") for argument in node.args}
        elif isinstance(called, ast.Name) and called.id in beside and called.id != function.name:
            asked |= _asked(beside[called.id], beside)
    return asked


FUNCTIONS = {name: (function, beside) for name, function, beside in _functions()}


def test_the_functions_are_found() -> None:
    assert len(FUNCTIONS) >= 25
    assert set(FUNCTIONS) >= _FOR_EVERY_ROLE


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_change_asks_for_more_than_the_permission_to_read(name: str) -> None:
    asked = _asked(*FUNCTIONS[name])
    if name in _FOR_EVERY_ROLE:
        assert asked == {READING}
    else:
        # `take` is part of accepting, joining and declining
        assert asked - {READING}, f"{name} asks for {asked or 'nothing'}"
