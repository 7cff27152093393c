from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from cases.exports.formats import pdf
from tests.attacks.forgery import forged
from tests.attacks.genuine import genuine
from tests.cases.office import Office
from tests.signed_in import as_role

__all__ = ["as_role", "forged", "genuine"]


@pytest.fixture
def office(running_opener: None) -> Office:
    return Office()


@pytest.fixture
def papers_can_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of SUMMARY.pdf and report.pdf before they are drawn: a PDF's are compressed."""

    def as_text(template: str, context: dict[str, Any]) -> bytes:
        return render_to_string(template, context).encode()

    monkeypatch.setattr(pdf, "render", as_text)
