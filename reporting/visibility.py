"""What a page may show again to whoever holds the code: what the reporter chose before sending."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reporting import answers
from reporting.answers import Given
from reporting.models import Report
from reporting.sessions import Visit

YES = "yes"


def shows_everything(visit: Visit, given: Iterable[Given]) -> bool:
    """Everything in a draft, and where it was chosen before sending; otherwise only what is new in
    this visit. A later choice that is gone or cannot be read hides."""
    if visit.report.state == Report.State.DRAFT:
        return True
    choices = [answer.value for answer in given if answer.key in {"show_again", ""}]
    return bool(choices) and choices[-1] == YES


def since(visit: Visit, given: Iterable[Given]) -> datetime | None:
    """From when on things may be shown again: None for all."""
    return None if shows_everything(visit, given) else visit.since


def shown_answers(visit: Visit, given: Iterable[Given]) -> dict[str, Any]:
    """The latest answers as a page may show them: all, or those of this visit."""
    versions = list(given)
    return answers.latest(versions, since=since(visit, versions))
