"""Who is in the report: the harmed person, her age, and the rule of the age question (promise 7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reporting import evidence
from reporting.models import Answer, FileGroup, Person, Report
from reporting.sessions import Visit
from reporting.vault.keys import Secret

ADULT = "adult"
YES = "yes"


class BytesNotTaken(Exception):
    """Promise 7: no file is taken here. The message says why in words for her."""


def harmed(report: Report) -> Person:
    return Person.objects.filter(report=report, role=Person.Role.HARMED).earliest("id")


def suspected(report: Report) -> Person:
    """Whoever is on the other side; made when the first account of theirs is given."""
    return Person.objects.get_or_create(report=report, role=Person.Role.SUSPECTED)[0]


def note_helper(report: Report, who: str) -> None:
    """Somebody who reports for another is a person of the report too: helper, or witness when they do not know her."""
    roles = {
        "child": Person.Role.HELPER,
        "known": Person.Role.HELPER,
        "client": Person.Role.HELPER,
        "bystander": Person.Role.WITNESS,
    }
    if role := roles.get(who):
        Person.objects.get_or_create(report=report, role=role)


def latest_answers(
    report: Report, secret: Secret, *, since: datetime | None = None
) -> dict[str, Any]:
    """Question key → the value she gave last; with `since`, only what she gave from then on."""
    rows = Answer.objects.filter(report=report, **({"at__gte": since} if since else {})).order_by(
        "id"
    )
    return {row.question: evidence.open_record(row.sealed, secret)["value"] for row in rows}


def shows_everything(visit: Visit) -> bool:
    """What a found code shows is what she chose before sending: only news, unless she said otherwise."""
    return (
        visit.report.state == Report.State.DRAFT
        or latest_answers(visit.report, visit.secret).get("show_again") == YES
    )


def shown_answers(visit: Visit) -> dict[str, Any]:
    """Her latest answers as a page may show them again: all, or those of this visit."""
    return latest_answers(
        visit.report, visit.secret, since=None if shows_everything(visit) else visit.since
    )


def check_may_send_files(visit: Visit, group: FileGroup | None) -> None:
    """Raises BytesNotTaken unless the harmed person is an adult, she is no bystander's unknown, and the group's age answer is yes.

    Anything but a clear yes is a no: skipped, not sure, changed.
    """
    answers = latest_answers(visit.report, visit.secret)
    if answers.get("who") == "bystander":
        raise BytesNotTaken(
            "Please do not send files of somebody you do not know. A link is enough for us to act."
        )
    if answers.get("age") != ADULT:
        raise BytesNotTaken(
            "We never take pictures or videos when somebody under 18 was harmed, or when the age is not sure. "
            "Words and links are enough, and we take those."
        )
    if group is None or group.report_id != visit.report.pk:
        raise BytesNotTaken("Please first answer the question about age for these files.")
    if evidence.open_record(group.shown_adult, visit.secret).get("value") != YES:
        raise BytesNotTaken(
            "We can only take files when everyone in them was 18 or over when they were made."
        )


def may_send_files(visit: Visit, group: FileGroup | None) -> bool:
    try:
        check_may_send_files(visit, group)
    except BytesNotTaken:
        return False
    return True
