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
from reporting import evidence
from reporting.custody.record import record
from reporting.models import EvidenceItem, Look

PICTURE_LIMIT = 64 * 1024**2


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
    if item.state not in EvidenceItem.OPENABLE:
        raise evidence.NotOpenable("This item is locked: nobody opens it.")
    secret = evidence.office_key(
        item.report_id,
        "evidence:revealed",
        detail={"item": item.pk, "reason": reason.strip()},
        by=by.actor,
        look=(by.role_name, "looked at a file"),
    )
    facts = evidence.acquisition(item, secret)
    name, size, sha256 = facts["file_name"], facts["size"], facts["sha256"]
    if size > PICTURE_LIMIT:
        return Revealed(name, size, sha256, None, "It is too large to be shown as a still picture.")
    untrusted_bytes = b"".join(evidence.open_sealed(item, secret))
    try:
        return Revealed(name, size, sha256, sandbox.still(untrusted_bytes))
    except sandbox.NotShown as not_shown:
        return Revealed(name, size, sha256, None, str(not_shown))


def may_show_a_child(item: EvidenceItem, *, by: StaffMember) -> None:
    """Quarantine an item: from now on nobody opens, copies or exports it.

    Any member of staff may do this, alone and without a case, so nothing is checked here.
    """
    with transaction.atomic():
        evidence.quarantine(item, reason="a caseworker said that it may show a child", by=by.actor)
        Look.objects.create(
            report_id=item.report_id, who=by.role_name, act="locked a file: a child may be shown"
        )
        recall.close_collections(item, by=by.actor)
        case_report = CaseReport.objects.filter(report_id=item.report_id).first()
        if case_report:
            record(
                case_report.case_id,
                "evidence:quarantined",
                actor=by.actor,
                detail={"item": item.pk},
            )
