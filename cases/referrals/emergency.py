"""The emergency lane, for a threat to life: one person tells the emergency services by phone and
records it; a second person is to review it within 24 hours."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from cases import stored
from cases.errors import NotNext
from cases.models import Case, Disclosure, Referral
from cases.models.referral import referral_id
from cases.referrals.disclosure import BasisMissing, SamePerson
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting.custody.record import record, record_on_both
from reporting.models import Report

REVIEW_WITHIN = timedelta(hours=24)


def tell(
    case: Case,
    report: Report,
    *,
    told_to: str,
    called_back: str,
    said: str,
    threat_to_life: bool,
    by: StaffMember,
) -> Referral:
    """Record what was told, to whom, and the number that was called back, sealed to the report's
    key. Raises PermissionDenied, and BasisMissing without a threat to life or without words."""
    by.check_may(May.DISCLOSE_EMERGENCY)
    if not threat_to_life:
        raise BasisMissing(
            "This lane is for a threat to life only. "
            "For everything else please prepare an ordinary referral."
        )
    if not (told_to.strip() and called_back.strip() and said.strip()):
        raise BasisMissing(
            "Please write whom you told, which number you called back, and what you said. "
            "A few words are enough."
        )
    told = {"told_to": told_to.strip(), "called_back": called_back.strip(), "said": said.strip()}
    with transaction.atomic():
        referral = Referral.objects.create(
            id=referral_id(),
            case=case,
            report=report,
            lane=Referral.Lane.EMERGENCY,
            state=Referral.State.DISCLOSED,
            legal_basis=Referral.LegalBasis.THREAT_TO_LIFE,
            prepared_by=by,
        )
        Disclosure.objects.create(referral=referral)
        record_on_both(
            report.pk,
            case.pk,
            "report:told_in_emergency",
            on_case="emergency:told",
            actor=by.actor,
            detail={"referral": referral.pk, **told},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    return referral


def review(referral: Referral, *, by: StaffMember) -> None:
    """A second person has read it. Raises PermissionDenied, SamePerson, NotNext."""
    by.check_may(May.APPROVE_REFERRALS)
    if referral.prepared_by_id == by.pk:
        raise SamePerson("You made this disclosure, so somebody else must review it.")
    with stored.holding(referral.pk):
        waiting = Referral.objects.filter(
            pk=referral.pk, lane=Referral.Lane.EMERGENCY, state=Referral.State.DISCLOSED
        )
        reviewed = waiting.update(
            state=Referral.State.REVIEWED, reviewed_by=by, reviewed_at=timezone.now()
        )
        if reviewed != 1:
            raise NotNext("This disclosure was reviewed already. Nothing was changed.")
        record(
            referral.case_id,
            "emergency:reviewed",
            actor=by.actor,
            detail={"referral": referral.pk},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )


def unreviewed() -> list[Referral]:
    """Emergencies that wait for their review, oldest first."""
    waiting = Referral.objects.filter(lane=Referral.Lane.EMERGENCY, state=Referral.State.DISCLOSED)
    return list(waiting.select_related("case", "prepared_by").order_by("prepared_at"))


def overdue(referral: Referral) -> bool:
    return timezone.now() - referral.prepared_at > REVIEW_WITHIN
