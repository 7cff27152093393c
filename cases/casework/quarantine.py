"""Deciding about quarantined things without ever showing one: the officer proposes, a second person
confirms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from cases.errors import ReasonMissing
from cases.models import QuarantineDecision
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence, on_record, quarantine
from reporting.custody.record import record
from reporting.models import EvidenceItem, Quarantine, Report

_NO_KEY = (Report.State.DRAFT, Report.State.NOT_SENT)
_KINDS = {"A": "answer", "E": "item", "M": "message"}


class NotWaiting(Exception):
    """It is not quarantined, or its decision was made already; nothing was changed."""


@dataclass(frozen=True)
class Waiting:
    """A quarantined thing with the decision that waits for confirmation. `unsent`: of a draft,
    which the office cannot open."""

    quarantine: Quarantine
    kind: str
    unsent: bool
    proposed: QuarantineDecision | None


def waiting() -> list[Waiting]:
    """Everything quarantined, of sent reports and of drafts, oldest first."""
    rows = (
        Quarantine.objects.filter(state=Quarantine.State.CLOSED)
        .select_related("report")
        .prefetch_related("decisions__proposed_by")
        .order_by("at")
    )
    kinds = dict(
        EvidenceItem.objects.filter(pk__in=[row.thing for row in rows]).values_list("pk", "kind")
    )
    return [
        Waiting(
            row,
            kinds.get(row.thing) or _KINDS.get(row.thing[0], "thing"),
            row.report.state in _NO_KEY,
            next((one for one in row.decisions.all() if one.confirmed_at is None), None),
        )
        for row in rows
    ]


def propose(
    quarantine: Quarantine, choice: QuarantineDecision.Choice, reason: str, *, by: StaffMember
) -> QuarantineDecision:
    """Raises PermissionDenied, ReasonMissing, NotWaiting. The reason lies sealed in the act's
    detail."""
    by.check_may(May.DECIDE_QUARANTINE)
    if not reason.strip():
        raise ReasonMissing("Please say why; for destroying, name the authority and its reference.")
    with transaction.atomic():
        row = Quarantine.objects.select_for_update(of=("self",)).get(pk=quarantine.pk)
        undecided = QuarantineDecision.objects.filter(quarantine=row, confirmed_at=None).exists()
        if row.state != Quarantine.State.CLOSED or undecided:
            raise NotWaiting(
                "This is not locked, or a decision already waits for confirmation. "
                "Nothing was changed."
            )
        decision = QuarantineDecision.objects.create(quarantine=row, choice=choice, proposed_by=by)
        record(
            row.report_id,
            "quarantine:proposed",
            actor=by.actor,
            detail={"thing": row.thing, "choice": choice.value, "reason": reason.strip()},
            about=row.thing,
            about_sha256=hashlib.sha256(choice.value.encode()).digest(),
        )
    return decision


def read_reason(decision: QuarantineDecision, *, by: StaffMember) -> str:
    """Why it was proposed, for the person who is to confirm it. The thing itself stays shut.

    Of a draft nobody can read it: the second person asks the officer. Raises PermissionDenied,
    opener.Refused.
    """
    _check_may_confirm(by)
    row = decision.quarantine
    if row.report.state in _NO_KEY:
        return (
            "This report was not sent, so the office holds no key to it. Please ask the officer "
            "for the reason."
        )
    secret = evidence.office_key(
        row.report_id,
        "quarantine:opened",
        detail={"thing": row.thing},
        by=by.actor,
        about=row.thing,
    )
    known = on_record.of(row.report_id, secret)
    proposals = [
        act for act in known.acts if act.name == "quarantine:proposed" and act.object == row.thing
    ]
    detail = known.details.get(proposals[-1].id) if proposals else None
    return str((detail or {}).get("reason", "The reason cannot be read."))


def _check_may_confirm(by: StaffMember) -> None:
    if not by.may(May.APPROVE_REFERRALS):
        by.check_may(May.DECIDE_QUARANTINE)


def confirm(decision: QuarantineDecision, *, by: StaffMember) -> None:
    """The second person. Destroying removes a file's bytes once the act is committed; the ledger
    keeps the act.

    Raises PermissionDenied, NotWaiting.
    """
    _check_may_confirm(by)
    if decision.proposed_by_id == by.pk:
        raise PermissionDenied("You proposed this, so somebody else must confirm it.")
    row = decision.quarantine
    with transaction.atomic():
        undecided = QuarantineDecision.objects.filter(pk=decision.pk, confirmed_at=None)
        if undecided.update(confirmed_by=by, confirmed_at=timezone.now()) != 1:
            raise NotWaiting("This was confirmed already. Nothing was changed.")
        closed = Quarantine.objects.filter(pk=row.pk, state=Quarantine.State.CLOSED)
        if closed.update(state=decision.choice) != 1:
            raise NotWaiting("This is no longer locked. Nothing was changed.")
        record(
            row.report_id,
            f"quarantine:{decision.choice}",
            actor=by.actor,
            detail={"thing": row.thing},
            about=row.thing,
        )
    destroy(row)


def destroy(row: Quarantine) -> None:
    """Remove the bytes of a file from the vault if the ledger says that it is destroyed; may run
    again after a kill."""
    if quarantine.states(row.report_id).get(row.thing) != Quarantine.State.DESTROYED:
        return
    item = EvidenceItem.objects.filter(pk=row.thing).exclude(vault_name="").first()
    if item:
        evidence.store().remove(item.vault_name)
