"""The table of acts in the ledger's README is the list in reporting/acts.py."""

from __future__ import annotations

import pytest

from cases.management.commands import describe_acts


def test_the_readme_has_the_acts_as_they_are() -> None:
    written = describe_acts.README.read_text()
    assert describe_acts.described(written) == written, "run: ./run manage describe_acts"


def test_a_readme_without_the_marks_is_not_touched() -> None:
    with pytest.raises(ValueError, match="missing"):
        describe_acts.described("# A page without a table\n")
