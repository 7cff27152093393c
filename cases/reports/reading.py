"""Opening a report or a case to read it. One custody event a reading; she sees it in her list."""

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
    """One answer as it was given: the wording she saw, what she chose or wrote, when. `sealed_sha256` (hex) is what the ledger recorded."""

    key: str
    wording: str
    lines: list[str]
    at: datetime
    sealed_sha256: str
    later: bool  # added after the report was sent; the first version stands beside it


@dataclass(frozen=True)
class OpenItem:
    """Facts of an item; never a picture of it."""

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
    """Raises reporting.vault.opener.Refused."""
    by.check_may(May.READ_QUEUE)
    until = report.news_at
    look = (by.role_name, "read your report")
    secret = evidence.office_key(
        report.pk, "report:opened", detail={"why": "to work on it"}, by=by.actor, look=look
    )
    messages.mark_read(report, from_office=False, by=by.actor)
    found = read(report, secret)
    news.read(report, until=until, by=by.actor)
    return found


def read(report: Report, secret: Secret) -> OpenReport:
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
    found = []
    for row in Answer.objects.filter(report=report).order_by("id"):
        answer = evidence.open_record(row.sealed, secret)
        later = report.submitted_at is not None and row.at > report.submitted_at
        digest = hashlib.sha256(row.sealed).hexdigest()
        found.append(Said(row.question, answer["wording"], _lines(answer), row.at, digest, later))
    return sorted(found, key=lambda one: questions.POSITION.get(one.key, 0))


def _lines(answer: dict[str, Any]) -> list[str]:
    labels = dict(answer["choices"])
    value = answer["value"]
    values = value if isinstance(value, list) else [value] if value else []
    return [labels.get(one, str(one)) for one in values]


def items(report: Report, secret: Secret) -> list[OpenItem]:
    found = []
    for item in EvidenceItem.objects.filter(report=report).order_by("at", "id"):
        facts = evidence.acquisition(item, secret)
        found.append(
            OpenItem(item, facts.get("file_name", ""), facts.get("size", 0), facts.get("text", ""))
        )
    return found


def notes(case: Case, *, by: StaffMember) -> list[OpenNote]:
    by.check_may(May.WORK_CASES)
    rows = list(Note.objects.filter(case=case).select_related("author").order_by("at"))
    if not rows:
        return []
    secret = evidence.office_key(
        case.pk, "case:opened", detail={"why": "to read the notes"}, by=by.actor
    )
    return [
        OpenNote(evidence.open_text(row.sealed, secret), row.author.username, row.at)
        for row in rows
    ]
