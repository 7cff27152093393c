"""Opening a report or the notes of a case to read them. Each reading is one custody event; the
reporter sees the readings of the report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.models import Assessment, Case, Note
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence, messages, news, questions
from reporting.models import Answer, EvidenceItem, Report
from reporting.vault.keys import Secret


@dataclass(frozen=True)
class Said:
    """One answer as given: the wording that was shown, the choices or text as lines, the time.

    `key` is the question's; `sealed_sha256` (hex) is the hash in the ledger.
    """

    key: str
    wording: str
    lines: list[str]
    at: datetime
    sealed_sha256: str
    later: bool  # added after the report was sent; the earlier version is kept beside it


@dataclass(frozen=True)
class OpenItem:
    """An item without its bytes: name and `size` (in bytes) of a file, or the text of a link or
    account."""

    item: EvidenceItem
    name: str
    size: int
    text: str

    @property
    def openable(self) -> bool:
        return self.item.state in EvidenceItem.OPENABLE


@dataclass(frozen=True)
class OpenReport:
    """`band_words`: why a person changed the band, or an empty text."""

    report: Report
    band_words: str
    said: list[Said]
    items: list[OpenItem]
    thread: list[messages.OpenMessage]


@dataclass(frozen=True)
class OpenNote:
    text: str
    author: str
    at: datetime


def open_report(report: Report, *, by: StaffMember) -> OpenReport:
    """Open a report for a person; its messages and news count as read from then on.

    Raises PermissionDenied, reporting.vault.opener.Refused.
    """
    by.check_may(May.READ_QUEUE)
    until = report.news_at  # what is added while this runs stays unread
    secret = evidence.office_key(
        report.pk,
        "report:opened",
        detail={"why": "to work on it"},
        by=by.actor,
        look=(by.role_name, "read your report"),
    )
    messages.mark_read(report, from_office=False, by=by.actor)
    opened = read(report, secret)
    news.read(report, until=until, by=by.actor)
    return opened


def read(report: Report, secret: Secret) -> OpenReport:
    """Everything in a report that `secret` opens; records nothing."""
    changed = Assessment.objects.filter(report=report, current=True).exclude(said=b"").first()
    band_words = evidence.open_text(changed.said, secret) if changed else ""
    return OpenReport(
        report,
        band_words,
        said(report, secret),
        items(report, secret),
        messages.thread(report, secret),
    )


def said(report: Report, secret: Secret) -> list[Said]:
    """Every answer in the order of the form, earlier versions of a sent report included."""
    answers = []
    for answer in Answer.objects.filter(report=report).order_by("id"):
        opened = evidence.open_record(answer.sealed, secret)
        answers.append(
            Said(
                key=answer.question,
                wording=opened["wording"],
                lines=_lines(opened),
                at=answer.at,
                sealed_sha256=hashlib.sha256(answer.sealed).hexdigest(),
                later=report.submitted_at is not None and answer.at > report.submitted_at,
            )
        )
    return sorted(answers, key=lambda said: questions.POSITION.get(said.key, 0))


def _lines(answer: dict[str, Any]) -> list[str]:
    labels = dict(answer["choices"])
    value = answer["value"]
    if not isinstance(value, list):
        value = [value] if value else []
    return [labels.get(chosen, str(chosen)) for chosen in value]


def items(report: Report, secret: Secret) -> list[OpenItem]:
    """Every item of the report, oldest first."""
    opened = []
    for item in EvidenceItem.objects.filter(report=report).order_by("at", "id"):
        facts = evidence.acquisition(item, secret)
        name, size, text = facts.get("file_name", ""), facts.get("size", 0), facts.get("text", "")
        opened.append(OpenItem(item, name, size, text))
    return opened


def notes(case: Case, *, by: StaffMember) -> list[OpenNote]:
    """Oldest first; without notes nothing is opened. Raises PermissionDenied, opener.Refused."""
    by.check_may(May.WORK_CASES)
    written = list(Note.objects.filter(case=case).select_related("author").order_by("at"))
    if not written:
        return []
    secret = evidence.office_key(
        case.pk, "case:opened", detail={"why": "to read the notes"}, by=by.actor
    )
    return [
        OpenNote(evidence.open_text(note.sealed, secret), note.author.username, note.at)
        for note in written
    ]
