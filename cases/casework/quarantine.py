"""Deciding about locked items without ever showing one: the officer proposes, a second person confirms."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from cases.errors import ReasonMissing
from cases.models import QuarantineDecision
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence
from reporting.custody.record import founding, record
from reporting.models import EvidenceItem, Look
from reporting.vault.fields import seal_text


class NotWaiting(Exception):
    """The item is not locked, or its decision was made already; nothing was changed."""


def waiting() -> list[EvidenceItem]:
    """Every locked item with the decision that waits for confirmation, oldest first."""
    rows = EvidenceItem.objects.filter(state=EvidenceItem.State.QUARANTINED).exclude(
        report__state="draft"
    )
    return list(rows.prefetch_related("quarantine_decisions__proposed_by").order_by("at"))


def propose(
    item: EvidenceItem, choice: QuarantineDecision.Choice, reason: str, *, by: StaffMember
) -> QuarantineDecision:
    by.check_may(May.DECIDE_QUARANTINE)
    if not reason.strip():
        raise ReasonMissing("Please say why; for destroying, name the authority and its reference.")
    with transaction.atomic():
        item = EvidenceItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
        open_decision = QuarantineDecision.objects.filter(item=item, confirmed_at=None).exists()
        if item.state != EvidenceItem.State.QUARANTINED or open_decision:
            raise NotWaiting(
                "This item is not locked, or a decision already waits for confirmation. Nothing was changed."
            )
        sealed = seal_text(reason.strip(), founding(item.report_id).public_key)
        decision = QuarantineDecision.objects.create(
            item=item, choice=choice, reason=sealed, proposed_by=by
        )
        record(
            item.report_id,
            "quarantine:proposed",
            actor=by.actor,
            detail={"item": item.pk, "choice": choice.value, "reason": reason.strip()},
        )
    return decision


def read_reason(decision: QuarantineDecision, *, by: StaffMember) -> str:
    """Why it was proposed, for the person who is to confirm it. The item itself stays shut."""
    _check_may_confirm(by)
    report = decision.item.report_id
    look = (by.role_name, "read why a locked file is to be decided about")
    secret = evidence.office_key(
        report, "quarantine:opened", detail={"item": decision.item_id}, by=by.actor, look=look
    )
    return evidence.open_text(decision.reason, secret)


def _check_may_confirm(by: StaffMember) -> None:
    if not by.may(May.APPROVE_REFERRALS):
        by.check_may(May.DECIDE_QUARANTINE)


def confirm(decision: QuarantineDecision, *, by: StaffMember) -> None:
    """The second person. Destroying removes the bytes from the vault after the record is committed; the ledger keeps the act."""
    _check_may_confirm(by)
    if decision.proposed_by_id == by.pk:
        raise PermissionDenied("You proposed this, so somebody else must confirm it.")
    item = decision.item
    with transaction.atomic():
        open_decision = QuarantineDecision.objects.filter(pk=decision.pk, confirmed_at=None)
        if open_decision.update(confirmed_by=by, confirmed_at=timezone.now()) != 1:
            raise NotWaiting("This was confirmed already. Nothing was changed.")
        if (
            EvidenceItem.objects.filter(pk=item.pk, state=EvidenceItem.State.QUARANTINED).update(
                state=decision.choice
            )
            != 1
        ):
            raise NotWaiting("This item is no longer locked. Nothing was changed.")
        Look.objects.create(
            report_id=item.report_id,
            who=by.role_name,
            act=f"decided about a locked file: {decision.choice}",
        )
        record(
            item.report_id,
            "quarantine:decided",
            actor=by.actor,
            detail={"item": item.pk, "choice": decision.choice},
        )
    if decision.choice == QuarantineDecision.Choice.DESTROYED:
        evidence.store().remove(item.vault_name)
