"""Calling back what was handed over: a file in it was locked, or she took back her yes.

What nobody has collected is closed at once, by the computer. What was collected cannot be undone: a person tells the partner, the partner's page
says so too, and the reporter sees that they were told.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from cases.errors import NotNext
from cases.models import Disclosure, Referral
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting.actors import Actor, job
from reporting.custody.record import record
from reporting.models import Consent, EvidenceItem, Look

_CAN_BE_RECALLED = [
    before for before, after in Referral.NEXT.items() if Referral.State.RECALLED in after
]


def close_collections(item: EvidenceItem, *, by: Actor) -> None:
    """The item was locked: packages that hold it and were not collected yet can no longer be collected."""
    waiting = Disclosure.objects.filter(
        collected_at=None,
        expires_at__gt=timezone.now(),
        referral__package__items__contains=[item.pk],
    )
    for disclosure in waiting.select_related("referral"):
        Disclosure.objects.filter(pk=disclosure.pk).update(expires_at=timezone.now())
        detail = {"referral": disclosure.pk, "item": item.pk}
        record(disclosure.referral.case_id, "referral:closed", actor=by, detail=detail)


def notice_what_she_took_back(*, everywhere: bool = False) -> int:
    """For the worker: how many hand-overs lost their basis since the last look. Every answer of hers marks her report as having news,
    so only those are looked at; `everywhere` once a night, for one that was read in between."""
    found = _without_basis()
    if not everywhere:
        found = found.exclude(report__news_at=None)
    lost = list(found.select_related("partner_key__partner"))
    for referral in lost:
        _take_back(referral, by=job("recall"))
    return len(lost)


def _without_basis() -> QuerySet[Referral]:
    latest = Consent.objects.filter(
        report=OuterRef("report"), partner=OuterRef("partner_key__partner")
    ).order_by("-signed_at")
    handed_over = Referral.objects.filter(
        state__in=_CAN_BE_RECALLED, disclosure__taken_back_at=None
    ).exclude(consent=None)
    return handed_over.annotate(latest=Subquery(latest.values("answer")[:1])).exclude(
        latest=Consent.Answer.YES
    )


def _take_back(referral: Referral, *, by: Actor) -> None:
    now = timezone.now()
    assert referral.partner_key is not None
    with transaction.atomic():
        disclosure = Disclosure.objects.select_for_update().get(pk=referral.pk)
        disclosure.taken_back_at = now
        if disclosure.collected_at is None:
            disclosure.expires_at = now
            Referral.objects.filter(pk=referral.pk).update(state=Referral.State.RECALLED)
            name = referral.partner_key.partner.name
            Look.objects.create(
                report_id=referral.report_id,
                who="Our computer",
                act=f"closed what was waiting for {name}",
            )
        disclosure.save(update_fields=["taken_back_at", "expires_at"])
        detail = {"referral": referral.pk, "collected": disclosure.collected_at is not None}
        record(referral.case_id, "referral:taken_back", actor=by, detail=detail)


def to_tell() -> list[Referral]:
    """Collected, and she took back her yes: the partner must be told."""
    rows = Referral.objects.filter(state__in=_CAN_BE_RECALLED).exclude(
        disclosure__taken_back_at=None
    )
    return list(
        rows.select_related("partner_key__partner", "disclosure").order_by(
            "disclosure__taken_back_at"
        )
    )


def recall(referral: Referral, *, by: StaffMember) -> None:
    """The partner was told, by the road that is theirs. Raises NotNext."""
    by.check_may(May.PREPARE_REFERRALS)
    assert referral.partner_key is not None
    with transaction.atomic():
        waiting = Referral.objects.filter(pk=referral.pk, state__in=_CAN_BE_RECALLED).exclude(
            disclosure__taken_back_at=None
        )
        if waiting.update(state=Referral.State.RECALLED) != 1:
            raise NotNext(
                "The yes was not taken back, or the partner was told already. Nothing was changed."
            )
        name = referral.partner_key.partner.name
        Look.objects.create(
            report=referral.report, who=by.role_name, act=f"told {name} that you took back your yes"
        )
        record(
            referral.case_id, "referral:recalled", actor=by.actor, detail={"referral": referral.pk}
        )
