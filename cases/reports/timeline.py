"""The custody events of a case and its reports, in words: who did what, when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cases.models import Partner
from cases.staff.models import StaffMember
from reporting.actors import REPORTER
from reporting.custody import timeline

# What the actor did. tests/house checks that every event that is written has its words here.
WORDS = {
    "report:started": "began a report",
    "answer:saved": "answered a question",
    "files:age_answered": "answered the age question for files",
    "evidence:acquired": "gave a file, link or account",
    "evidence:taken_out": "took something out before sending",
    "evidence:verified": "checked a file against its hash",
    "evidence:integrity_failed": "found a file that does not match its hash",
    "evidence:quarantined": "locked a file: a child may be shown",
    "evidence:revealed": "looked at a file",
    "quarantine:proposed": "proposed what to do with a locked file",
    "quarantine:opened": "read why a locked file is to be decided about",
    "quarantine:decided": "confirmed what to do with a locked file",
    "report:expired": "forgot a draft that nobody had touched for long",
    "report:submitted": "sent the report",
    "report:opened": "read the report",
    "report:opened_by_reporter": "came back with the code",
    "report:assessed": "opened it to sort it",
    "report:banded": "sorted it by urgency",
    "report:band_changed": "changed the band",
    "report:taken": "began to read",
    "report:accepted": "took it on",
    "report:joined": "joined it to this case",
    "report:bound": "bound report and case together",
    "report:declined": "declined it",
    "report:out_of_scope": "said that it is out of scope",
    "report:news_read": "read what was added",
    "report:disclosed": "gave it to a partner",
    "message:posted": "wrote a message",
    "message:read": "read the messages",
    "looks:shown": "saw who had looked",
    "consent:answered": "answered who may be told",
    "wrap:renewed": "opened it to wrap its key anew",
    "wrap:added": "wrapped its key for new office keys",
    "wrap:dropped": "dropped the old wraps",
    "case:started": "opened the case",
    "case:report_accepted": "took a report on",
    "case:report_joined": "joined a report",
    "case:moved": "moved the case on",
    "case:opened": "read the notes",
    "note:added": "wrote a note",
    "referral:drafted": "prepared a referral",
    "referral:opened": "read what is to go",
    "referral:approved": "approved a referral",
    "package:built": "opened it to pack it",
    "package:signed": "sealed and locked the package",
    "package:collected": "collected the package",
    "package:carried": "took the locked package to carry it",
    "referral:disclosed": "handed the package over",
    "referral:closed": "closed a collection: a file in it was locked",
    "referral:answered": "answered",
    "referral:taken_back": "noticed that the yes was taken back",
    "referral:recalled": "told the partner that the yes was taken back",
    "emergency:told": "told the emergency services",
    "emergency:reviewed": "reviewed the emergency",
}


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
    acts = timeline.of(subjects)
    names = _names({act.actor for act in acts})
    lines: list[TimelineLine] = []
    for act in acts:
        line = TimelineLine(names[act.actor], WORDS[act.event], act.at, act.subject, act.seq)
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
