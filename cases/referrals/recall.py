"""Calling back what was handed over: something in it was quarantined, or the reporter took a
consent back.

It acts on the disclosure, whatever state the referral is in. What nobody has collected is closed at
once, by the worker. What was collected cannot be undone: a person tells the partner, the partner's
page says so too, and the reporter sees that they were told.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from cases import stored
from cases.errors import NotAsRecorded, NotNext
from cases.models import Disclosure, Referral
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import consent, on_record
from reporting.actors import Actor, job
from reporting.custody.record import record, record_on_both
from reporting.models import Consent, Report

log = logging.getLogger("holdfast.worker")
_BECOMES_RECALLED = [
    before for before, after in Referral.NEXT.items() if Referral.State.RECALLED in after
]


def close_collections(report: Report, thing: str, *, by: Actor) -> None:
    """It was quarantined: packages that hold it and were not collected yet can no longer be
    collected."""
    waiting = Disclosure.objects.filter(
        collected_at=None, expires_at__gt=timezone.now(), referral__report=report
    )
    for disclosure in waiting.filter(referral__package__items__contains=[thing]).select_related(
        "referral"
    ):
        if not stored.handover_recorded(disclosure.pk):
            continue  # frozen: nobody can collect it
        Disclosure.objects.filter(pk=disclosure.pk).update(expires_at=timezone.now())
        record(
            disclosure.referral.case_id,
            "referral:closed",
            actor=by,
            detail={"referral": disclosure.pk, "thing": thing},
            about=disclosure.pk,
            about_sha256=stored.handover_sha256(disclosure.pk),
        )


def notice_withdrawn_consents(*, everywhere: bool = False) -> int:
    """For the worker: how many hand-overs lost their basis since the last look.

    Every answer of the reporter marks the report as having news, so only those are looked at;
    `everywhere` once a night, for one that was read in between.
    """
    by_consent = _with_basis_of_consent()
    if not everywhere:
        by_consent = by_consent.exclude(report__news_at=None)
    lost = [referral for referral in by_consent if not _still_agreed(referral)]
    for referral in lost:
        try:
            _take_back(referral, by=job("recall"))
        except NotAsRecorded as error:  # nobody can collect it, and the others must not wait
            log.error("a consent was taken back: %s", error, extra={"referral": referral.pk})
    return len(lost)


def _with_basis_of_consent() -> QuerySet[Referral]:
    """Handed over on the reporter's consent, and not taken back yet: in whatever state."""
    handed_over = Referral.objects.filter(disclosure__isnull=False, disclosure__taken_back_at=None)
    return handed_over.exclude(consent=None).select_related("partner_key__partner", "report")


def _still_agreed(referral: Referral) -> bool:
    assert referral.partner_key is not None
    latest = consent.latest(
        on_record.of(referral.report_id, only=Consent), referral.partner_key.partner_id
    )
    return latest is not None and latest.answer == Consent.Answer.YES


def _take_back(referral: Referral, *, by: Actor) -> None:
    now = timezone.now()
    assert referral.partner_key is not None
    detail = {"referral": referral.pk, "partner": referral.partner_key.partner_id}
    with stored.holding(referral.pk):
        # Collecting waits for this row, and this waits for a collection that began before.
        disclosure = Disclosure.objects.select_for_update().get(pk=referral.pk)
        if disclosure.taken_back_at is not None:
            return
        collected = disclosure.collected_at is not None
        disclosure.taken_back_at = now
        if not collected:
            disclosure.expires_at = now
            recalled = Referral.objects.filter(pk=referral.pk, state__in=_BECOMES_RECALLED)
            recalled.update(state=Referral.State.RECALLED)
        disclosure.save(update_fields=["taken_back_at", "expires_at"])
        act: dict[str, Any] = {
            "actor": by,
            "detail": detail | {"collected": collected},
            "about": referral.pk,
            "about_sha256": stored.handover_sha256(referral.pk),
        }
        if collected:
            record(referral.case_id, "referral:taken_back", **act)
        else:
            record_on_both(
                referral.report_id,
                referral.case_id,
                "report:taken_back",
                on_case="referral:taken_back",
                **act,
            )


def to_tell() -> list[Referral]:
    """Collected, and the reporter took the consent back: the partner must be told, whatever it
    answered."""
    rows = Referral.objects.filter(disclosure__told_at=None).exclude(disclosure__taken_back_at=None)
    collected = rows.exclude(disclosure__collected_at=None)
    return list(
        collected.select_related("partner_key__partner", "disclosure").order_by(
            "disclosure__taken_back_at"
        )
    )


def recall(referral: Referral, *, by: StaffMember) -> None:
    """The partner was told, by the road that is theirs. Raises PermissionDenied, NotNext."""
    by.check_may(May.PREPARE_REFERRALS)
    assert referral.partner_key is not None
    with stored.holding(referral.pk):
        waiting = Disclosure.objects.filter(pk=referral.pk, told_at=None)
        collected = waiting.exclude(taken_back_at=None).exclude(collected_at=None)
        if collected.update(told_at=timezone.now()) != 1:
            raise NotNext(
                "The yes was not taken back, or the partner was told already. Nothing was changed."
            )
        recalled = Referral.objects.filter(pk=referral.pk, state__in=_BECOMES_RECALLED)
        recalled.update(state=Referral.State.RECALLED)
        record_on_both(
            referral.report_id,
            referral.case_id,
            "report:recalled",
            on_case="referral:recalled",
            actor=by.actor,
            detail={"referral": referral.pk, "partner": referral.partner_key.partner_id},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
