"""The custody events of a case and its reports, in words: who did what, when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cases.models import Partner
from cases.staff.models import StaffMember
from reporting import acts
from reporting.actors import REPORTER
from reporting.custody import timeline


@dataclass(frozen=True)
class TimelineLine:
    """`times`: how often the same actor did the same in a row. `subject` and `seq` name the newest
    of these events in the ledger."""

    who: str
    words: str
    at: datetime
    subject: str
    seq: int
    times: int = 1


def of(subjects: Sequence[str]) -> list[TimelineLine]:
    """Of reports and cases (by id), newest first; repeated acts are one line."""
    recorded = timeline.of(subjects)
    names = _names({act.actor for act in recorded})
    lines: list[TimelineLine] = []
    for act in recorded:
        line = TimelineLine(names[act.actor], acts.words(act.event), act.at, act.subject, act.seq)
        last = lines[-1] if lines else None
        if last and (last.who, last.words, last.subject) == (line.who, line.words, line.subject):
            lines[-1] = replace(last, times=last.times + 1)
        else:
            lines.append(line)
    return lines


def _names(actors: set[str]) -> dict[str, str]:
    jobs_and_reporter = dict.fromkeys(actors, "Our computer") | {REPORTER: "Reporter"}
    staff = StaffMember.objects.filter(actor_id__in=actors).values_list("actor_id", "username")
    partners = Partner.objects.filter(pk__in=actors).values_list("pk", "name")
    return jobs_and_reporter | dict(staff) | dict(partners)
