"""A report or the notes of a case, opened to be read. Each reading is one custody event; the
reporter sees the readings.

What is read is what the ledger says (`reporting.on_record`): what is not as recorded is a marked
line.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from cases.models import Case, Note
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import answers, evidence, messages, news, on_record, quarantine, questions
from reporting.answers import Given
from reporting.custody import events
from reporting.models import EvidenceItem, Report
from reporting.on_record import Entry, OnRecord
from reporting.vault.keys import Secret, WrongKey

CLOSED = "locked: a child may be shown"
FAULTS_SHOWN = 100


@dataclass(frozen=True)
class Said:
    """One version of an answer: the wording that was shown, the choices or text as lines, the
    ledger's time.

    `key` is the question's. `free`: written, not chosen. `fault`: why it is not
    shown (not as recorded, or quarantined), or an empty text.
    """

    id: str
    key: str
    wording: str
    lines: list[str]
    at: datetime | None
    later: bool  # added after the report was sent; the earlier versions stand beside it
    fault: str = ""
    language: str = ""
    typed_by: str = ""
    group: str | None = None  # the files that an answer to the age question for files is about
    free: bool = False


@dataclass(frozen=True)
class OpenItem:
    """An item without its bytes: name and `size` (bytes) of a file, or the text of a link or
    account.

    `fault`: why nobody opens it, or an empty text; its name and text are empty then.
    """

    entry: Entry[EvidenceItem]
    kind: str
    name: str
    size: int
    text: str
    fault: str

    @property
    def openable(self) -> bool:
        return not self.fault


@dataclass(frozen=True)
class Release:
    """A thing that left quarantine, and the two people who decided it: their codes, or on a page
    their names."""

    thing: str
    at: datetime
    confirmed_by: str
    proposed_by: str


@dataclass(frozen=True)
class OpenReport:
    """`band_words`: why a person changed the band, or an empty text. `faults`: (id, why) of what is
    not as recorded."""

    report: Report
    known: OnRecord
    band_words: str
    said: list[Said]
    items: list[OpenItem]
    thread: list[messages.OpenMessage]
    faults: list[tuple[str, str]]
    releases: list[Release]


@dataclass(frozen=True)
class OpenNote:
    text: str
    author: str
    at: datetime
    fault: str = ""


def open_report(report: Report, *, by: StaffMember) -> OpenReport:
    """Open a report for a person; its messages and news count as read from then on.

    Raises PermissionDenied, reporting.vault.opener.Refused.
    """
    by.check_may(May.READ_QUEUE)
    until = report.news_at  # what is added while this runs stays unread
    secret = evidence.office_key(
        report.pk, "report:opened", detail={"why": "to work on it"}, by=by.actor
    )
    opened = read(report, secret)
    if messages.unread(opened.thread, from_office=False):
        messages.mark_read_by_office(report, by=by.actor)
    news.read(report, until=until, by=by.actor)
    return opened


def read(report: Report, secret: Secret) -> OpenReport:
    """Everything in a report that `secret` opens; records nothing."""
    known = on_record.of(report.pk, secret)
    return OpenReport(
        report,
        known,
        _band_words(known),
        said(known, secret),
        items(known),
        messages.thread(known, secret),
        _at_most(known.faults),
        _with_names(releases(known)),
    )


def _at_most(faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Whoever holds the public door can add acts by the thousand; a page names the first."""
    more = len(faults) - FAULTS_SHOWN
    return [*faults[:FAULTS_SHOWN], ("…", f"and {more} more")] if more > 0 else faults


def releases(known: OnRecord) -> list[Release]:
    """Everything that left quarantine, by the acts, oldest first."""
    proposed: dict[str, str] = {}
    released = []
    for act in known.acts:
        if act.name == "quarantine:proposed":
            proposed[act.object] = act.actor
        elif act.name == "quarantine:released":
            by = proposed.get(act.object, "nobody on record")
            released.append(Release(act.object, act.at, act.actor, by))
    return released


def _with_names(found: list[Release]) -> list[Release]:
    codes = {code for release in found for code in (release.confirmed_by, release.proposed_by)}
    staff = StaffMember.objects.filter(actor_id__in=codes)
    names = dict(staff.values_list("actor_id", "username"))
    return [
        replace(
            release,
            confirmed_by=names.get(release.confirmed_by, release.confirmed_by),
            proposed_by=names.get(release.proposed_by, release.proposed_by),
        )
        for release in found
    ]


def _band_words(known: OnRecord) -> str:
    changes = [act for act in known.acts if act.name == "report:band_changed"]
    detail = known.details.get(changes[-1].id) if changes else None
    return str((detail or {}).get("reason", ""))


def said(known: OnRecord, secret: Secret) -> list[Said]:
    """Every version of every answer, in the order of the form and then of time."""
    closed = quarantine.closed(known.report)
    versions = [_said(given, known, closed) for given in answers.read(known.answers, secret)]
    return sorted(
        versions, key=lambda answer: questions.POSITION.get(answer.key, len(questions.ALL))
    )


def _said(given: Given, known: OnRecord, closed: frozenset[str]) -> Said:
    later = bool(given.at and known.sent_at and given.at > known.sent_at)
    fault = CLOSED if given.id in closed else given.fault
    record = given.record
    if record is None or fault:
        question = questions.BY_KEY.get(given.key)
        wording = str(question.text) if question else given.key
        return Said(given.id, given.key, wording, [], given.at, later, fault, group=given.group)
    return Said(
        given.id,
        given.key,
        record.wording,
        record.lines,
        given.at,
        later,
        language=record.language,
        typed_by=record.typed_by,
        group=given.group,
        free=not record.choices,
    )


def items(known: OnRecord) -> list[OpenItem]:
    """Every item of the report, in the order of the ledger."""
    closed = quarantine.closed(known.report)
    return [_item(entry, closed) for entry in known.items]


def _item(entry: Entry[EvidenceItem], closed: frozenset[str]) -> OpenItem:
    kind = entry.row.kind if entry.row else str(entry.detail.get("kind", ""))
    facts = evidence.facts(entry)
    fault = entry.fault or ("" if facts else on_record.NOT_READABLE)
    if entry.id in closed:
        fault = CLOSED
    elif entry.failed:
        fault = fault or "its bytes are not those that came in"
    if fault or facts is None:
        return OpenItem(entry, kind, "", facts.size if facts else 0, "", fault)
    return OpenItem(entry, kind, facts.file_name, facts.size, facts.text, "")


def notes(case: Case, *, by: StaffMember) -> list[OpenNote]:
    """Oldest first; without notes nothing is opened. Raises PermissionDenied, opener.Refused."""
    by.check_may(May.WORK_CASES)
    written = list(Note.objects.filter(case=case).select_related("author").order_by("at"))
    if not written:
        return []
    secret = evidence.office_key(
        case.pk, "case:opened", detail={"why": "to read the notes"}, by=by.actor
    )
    recorded = {event.object: event for event in events.of(case.pk) if event.name == "note:added"}
    return [_note(note, recorded, secret) for note in written]


def _note(note: Note, recorded: dict[str, events.Event], secret: Secret) -> OpenNote:
    event = recorded.get(note.pk)
    author = note.author.username
    if event is None or event.fault or stored_sha256(note) != event.object_sha256:
        return OpenNote("", author, note.at, on_record.OTHER_BYTES if event else on_record.NO_ACT)
    if note.at != event.at or note.author.actor != event.actor:
        return OpenNote("", author, note.at, on_record.OTHER_TIME)
    try:
        return OpenNote(evidence.open_text(note.sealed, secret), author, note.at)
    except (WrongKey, ValueError):
        return OpenNote("", author, note.at, on_record.NOT_READABLE)


def stored_sha256(note: Note) -> str:
    return hashlib.sha256(note.sealed).hexdigest()
