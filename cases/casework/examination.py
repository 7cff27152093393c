"""Looking at evidence: only when a person asks and gives a reason, and each time with an event.

A still picture is rendered in a sandbox, into memory; nothing rendered is stored. Other kinds of
files are shown as name, size and hash only.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from cases.errors import ReasonMissing
from cases.models import CaseReport
from cases.previews import sandbox
from cases.referrals import recall
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence, on_record, quarantine
from reporting.custody.record import record
from reporting.models import EvidenceItem, Report

PICTURE_LIMIT = 64 * 1024**2


class NothingThere(Exception):
    """The report holds no such thing; nothing was changed."""


@dataclass(frozen=True)
class Revealed:
    """`size` in bytes, `sha256` in hex, `picture` a PNG, or None with the reason in `why_none`."""

    name: str
    size: int
    sha256: str
    picture: bytes | None
    why_none: str = ""


def reveal(item: EvidenceItem, reason: str, *, by: StaffMember) -> Revealed:
    """Open one file for a person. The reporter sees that it was looked at.

    Raises PermissionDenied, ReasonMissing, evidence.NotOpenable, evidence.HashMismatch,
    reporting.vault.opener.Refused.
    """
    by.check_may(May.WORK_CASES)
    if not reason.strip():
        raise ReasonMissing(
            "Please say why you need to look. The reporter sees that somebody looked."
        )
    if item.pk in quarantine.closed(item.report_id):
        raise evidence.NotOpenable("This item is locked: nobody opens it.")
    secret = evidence.office_key(
        item.report_id,
        "evidence:revealed",
        detail={"item": item.pk, "reason": reason.strip()},
        by=by.actor,
        about=item.pk,
    )
    entries = on_record.of(item.report_id, secret).items
    entry = next(entry for entry in entries if entry.id == item.pk)
    facts = evidence.check_openable(entry)
    shown = (facts.file_name, facts.size, facts.sha256)
    if facts.size > PICTURE_LIMIT:
        return Revealed(*shown, None, "It is too large to be shown as a still picture.")
    untrusted_bytes = b"".join(evidence.open_sealed(entry, secret))
    try:
        return Revealed(*shown, sandbox.still(untrusted_bytes))
    except sandbox.NotShown as not_shown:
        return Revealed(*shown, None, str(not_shown))


def may_show_a_child(report: Report, thing: str, *, by: StaffMember) -> None:
    """Quarantine a file, link, account, answer or message of a report: nobody opens, copies or
    exports it from now on.

    Any member of staff may do this, alone and without a case. Raises PermissionDenied,
    NothingThere.
    """
    by.check_may(May.READ_QUEUE)
    known = on_record.of(report.pk)
    answers, items, messages = known.answers, known.items, known.messages
    if thing not in {entry.id for entries in (answers, items, messages) for entry in entries}:
        raise NothingThere("This report holds no such thing. Nothing was changed.")
    with transaction.atomic():
        Report.objects.select_for_update().get(pk=report.pk)  # the lock a hand-over takes
        reason = "a person of the office said that it may show a child"
        if not quarantine.close(report.pk, thing, reason=reason, by=by.actor):
            return
        recall.close_collections(report, thing, by=by.actor)
        case_report = CaseReport.objects.filter(report=report).first()
        if case_report:
            record(
                case_report.case_id,
                "evidence:quarantined",
                actor=by.actor,
                detail={"thing": thing},
                about=thing,
            )
