"""What a second person reads before approving: what would go and why, or what was told in an
emergency. Each reading is one opening event."""

from __future__ import annotations

from dataclasses import dataclass, field

from cases.exports import gather
from cases.exports.material import WITHHELD_ANSWERS, Exhibit, Identifier
from cases.models import Disclosure, Referral
from cases.reports import reading
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence
from reporting.models import EvidenceItem


@dataclass(frozen=True)
class Papers:
    """`basis` as the partner reads it; `told` of an emergency (keys told_to, called_back, said),
    else empty; `reference` is the partner's own; `withheld` has the keys of case/withheld.json."""

    basis: str = ""
    told: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    statement: list[reading.Said] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    withheld: list[dict[str, str]] = field(default_factory=list)


def read(referral: Referral, *, by: StaffMember) -> Papers:
    """Open the referral for a person. Raises PermissionDenied, reporting.vault.opener.Refused."""
    by.check_may(May.PREPARE_REFERRALS)
    emergency = referral.lane == Referral.Lane.EMERGENCY
    partner = referral.partner_key.partner.name if referral.partner_key else ""
    act = "read what was told in the emergency" if emergency else f"read what is to go to {partner}"
    report = referral.report
    secret = evidence.office_key(
        report.pk,
        "referral:opened",
        detail={"referral": referral.pk},
        by=by.actor,
        look=(by.role_name, act),
    )
    if emergency:
        return Papers(told=evidence.open_record(referral.words, secret))
    items = list(EvidenceItem.objects.filter(report=report).order_by("at", "id"))
    said = reading.said(report, secret)
    acknowledged = Disclosure.objects.filter(referral=referral).exclude(reference=b"").first()
    return Papers(
        basis=gather.basis(referral, secret),
        reference=evidence.open_text(acknowledged.reference, secret) if acknowledged else "",
        statement=[answered for answered in said if answered.key not in WITHHELD_ANSWERS],
        exhibits=gather.exhibits(items, referral, secret),
        identifiers=gather.identifiers(items, secret),
        withheld=gather.withheld(items, referral, said),
    )
