"""What a second person reads before saying yes: what would go and why, or what was told in an
emergency.

One reading is one opening of the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cases.exports import gather
from cases.exports.material import Exhibit, Identifier, Withheld
from cases.models import Referral
from cases.reports import reading
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import evidence, on_record
from reporting.on_record import OnRecord


@dataclass(frozen=True)
class Papers:
    """`basis` as the partner reads it; `told` of an emergency (told_to, called_back, said);
    `reference` is the partner's."""

    basis: str = ""
    told: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    statement: list[reading.Said] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)


def read(referral: Referral, *, by: StaffMember) -> Papers:
    """Raises PermissionDenied, reporting.vault.opener.Refused."""
    by.check_may(May.PREPARE_REFERRALS)
    partner = referral.partner_key.partner_id if referral.partner_key else ""
    secret = evidence.office_key(
        referral.report_id,
        "referral:opened",
        detail={"referral": referral.pk, "partner": partner},
        by=by.actor,
        about=referral.pk,
    )
    known = on_record.of(referral.report_id, secret)
    if referral.lane == Referral.Lane.EMERGENCY:
        told = _detail(known, "report:told_in_emergency", referral)
        return Papers(
            told={name: str(told.get(name, "")) for name in ("told_to", "called_back", "said")}
        )
    said = reading.said(known, secret)
    items = reading.items(known)
    return Papers(
        basis=gather.basis(referral, known),
        reference=str(_detail(known, "referral:answered", referral).get("reference", "")),
        statement=gather.statement(said),
        exhibits=gather.exhibits(items, referral),
        identifiers=gather.identifiers(items),
        withheld=gather.withheld(items, referral, said),
    )


def _detail(known: OnRecord, act: str, referral: Referral) -> dict[str, object]:
    """The detail of the latest act of a name about this referral, empty where there is none."""
    ids = [event.id for event in known.acts if event.name == act and event.object == referral.pk]
    return (known.details.get(ids[-1]) if ids else None) or {}
