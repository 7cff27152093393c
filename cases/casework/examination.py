"""Looking at evidence: only when a person asks, with a reason, and every look on record.

A still picture is rendered in a sandbox, into memory. Everything else is shown as facts. Nothing rendered is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from cases.models import CaseReport
from cases.previews import sandbox
from cases.referrals import recall
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence
from reporting.custody.record import record
from reporting.models import EvidenceItem, Look

PICTURE_LIMIT = 64 * 1024**2


class ReasonMissing(Exception):
    """Nobody looks without saying why."""


@dataclass(frozen=True)
class Revealed:
    name: str
    size: int
    sha256: str
    picture: bytes | None
    why_none: str = ""


def reveal(item: EvidenceItem, reason: str, *, by: StaffMember) -> Revealed:
    """Raises ReasonMissing, evidence.NotOpenable, evidence.HashMismatch, reporting.vault.opener.Refused."""
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
    except sandbox.NotShown as reason_none:
        return Revealed(name, size, sha256, None, str(reason_none))


def may_show_a_child(item: EvidenceItem, *, by: StaffMember) -> None:
    """One act, by anybody of the office: from now on nobody opens, copies or exports it."""
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
