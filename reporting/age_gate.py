"""The age question: no image of a child is taken in (promise 7).

Files are taken only for a group for which "everyone shown was 18 or over" was answered yes, in a
report in which no answer ever given says otherwise. The gate goes one way: what closed it once
keeps it closed for the reporter, whatever is answered later. A person of the office who has read
the report may open it again (act `files:allowed`), and two people may release what was quarantined.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reporting import harms, quarantine
from reporting.custody.events import Event
from reporting.models import EvidenceItem, FileGroup
from reporting.sessions import Visit

if TYPE_CHECKING:
    from reporting.answers import Given

ADULT = "adult"
YES = "yes"
SHOWN_ADULT = "shown_adult"
DECIDING = frozenset(
    {"age", "who", "what", SHOWN_ADULT}
)  # the questions whose answers the gate reads

_AGE = (
    "We never take pictures or videos when somebody under 18 was harmed, or when the age is not "
    "sure. "
    "Words and links are enough, and we take those."
)
_UNKNOWN = "Please do not send files of somebody you do not know. A link is enough for us to act."
_SHOWN = "We can only take files when everyone in them was 18 or over when they were made."
CLOSED = "No files can be added to this report here. Words and links are enough, and we take those."
_ASK_FIRST = "Please first answer the question about age for these files."


class BytesNotTaken(Exception):
    """No file is taken here. The message says why, in words for the reporter.

    `for_the_whole_report`: another group of files would not be taken either.
    """

    def __init__(self, words: str, *, for_the_whole_report: bool = False) -> None:
        super().__init__(words)
        self.for_the_whole_report = for_the_whole_report


def allowed_again_at(known: Iterable[Event]) -> datetime | None:
    """When a person of the office last said, after reading, that files may be taken after all."""
    return max((act.at for act in known if act.name == "files:allowed"), default=None)


def check_may_send_files(
    given: Iterable[Given], group: FileGroup | None, *, allowed_again_at: datetime | None = None
) -> None:
    """Raises BytesNotTaken. `given`: every version of every answer of the report.

    `allowed_again_at`: what was answered about the whole report before then no longer closes the
    gate.
    """
    versions = [
        answer
        for answer in given
        if answer.group
        or allowed_again_at is None
        or answer.at is None
        or answer.at > allowed_again_at
    ]
    ages = [answer.value for answer in versions if answer.key == "age"]
    for answer in versions:
        if answer.group is None and (refusal := _closes(answer.key, answer.value)):
            raise BytesNotTaken(refusal, for_the_whole_report=True)
    if ADULT not in ages and allowed_again_at is None:
        raise BytesNotTaken(_AGE, for_the_whole_report=True)
    shown = [answer.value for answer in versions if group and answer.group == group.pk]
    if not shown:
        raise BytesNotTaken(_ASK_FIRST)
    if any(value != YES for value in shown):
        raise BytesNotTaken(_SHOWN)


def close_if_a_child_may_be_shown(
    visit: Visit, key: str, value: Any, group: FileGroup | None
) -> None:
    """Quarantine what came in already, in the transaction that keeps the answer."""
    closes = value != YES if group else _closes(key, value)
    if not closes:
        return
    items = EvidenceItem.objects.filter(report=visit.report, kind=EvidenceItem.Kind.FILE)
    for item in items.filter(group=group) if group else items:
        quarantine.close(
            visit.report.pk, item.pk, reason="an answer says that a child may be shown"
        )


def _closes(key: str, value: Any) -> str:
    """Why an answer closes the gate, or an empty text. An unreadable answer closes it; so does one
    taken back, or one of which nobody knows the question."""
    if not key:
        return CLOSED
    if key == "age":
        return "" if value == ADULT else _AGE
    if key == "who":
        if value == "bystander":
            return _UNKNOWN
        return _AGE if value in {"child", None} else ""
    if key == "what":
        if value is None:
            return _AGE
        children = {harm.code for harm in harms.ALL if harm.of_children}
        return _AGE if children & set(value) else ""
    return ""
