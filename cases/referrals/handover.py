"""How a package leaves, and the partner's answer: collected at the partner door with a code, or carried there by a person."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cases.errors import NotNext
from cases.models import Disclosure, Package, PartnerKey, Referral
from cases.referrals.disclosure import check_basis, check_partner_key
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting.actors import Actor, partner
from reporting.custody.record import founding, record
from reporting.models import EvidenceItem, Look
from reporting.vault.fields import seal_text

COLLECT_WITHIN = timedelta(days=14)
REFERENCE_LIMIT = 100  # characters of a partner's own reference


class ItemQuarantined(Exception):
    """A file that may show a child is in the package: no hand-over."""


class UnknownCollection(Exception):
    """No package waits under this code, or its time is over."""


def by_code(referral: Referral, *, by: StaffMember) -> str:
    """A collection code for the partner door, shown once; we keep only its SHA-256."""
    code = secrets.token_hex(20)
    expires_at = timezone.now() + COLLECT_WITHIN
    _hand_over(
        referral,
        "gave it to",
        by=by,
        token_hash=hashlib.sha256(code.encode()).hexdigest(),
        expires_at=expires_at,
    )
    return code


def in_person(referral: Referral, *, by: StaffMember) -> Package:
    """The locked package, for a person who carries it to a partner without our door. May be taken again if the copying failed."""
    by.check_may(May.PREPARE_REFERRALS)
    with transaction.atomic():
        carried = Disclosure.objects.filter(
            referral=referral, token_hash=None, taken_back_at=None
        ).exclude(collected_at=None)
        if not carried.exists():
            _hand_over(referral, "carried it to", by=by, collected_at=timezone.now())
        _check_nothing_quarantined_since(referral)
        record(
            referral.case_id, "package:carried", actor=by.actor, detail={"referral": referral.pk}
        )
    return Package.objects.get(referral=referral)


def _hand_over(referral: Referral, act: str, *, by: StaffMember, **how: Any) -> None:
    """The basis must still hold at this moment. Raises NotNext, ItemQuarantined, and what the checks raise."""
    by.check_may(May.PREPARE_REFERRALS)
    assert referral.partner_key is not None
    check_partner_key(referral.partner_key)
    check_basis(referral)
    _check_nothing_quarantined_since(referral)
    with transaction.atomic():
        if (
            Referral.objects.filter(pk=referral.pk, state=Referral.State.BUILT).update(
                state=Referral.State.DISCLOSED
            )
            != 1
        ):
            raise NotNext(
                "The package is not ready, or was handed over already. Nothing was changed."
            )
        Disclosure.objects.create(referral=referral, **how)
        Look.objects.create(
            report=referral.report,
            who=by.role_name,
            act=f"{act} {referral.partner_key.partner.name}",
        )
        detail = {"referral": referral.pk, "partner": referral.partner_key.partner_id}
        record(referral.case_id, "referral:disclosed", actor=by.actor, detail=detail)
        record(referral.report_id, "report:disclosed", actor=by.actor, detail=detail)
    referral.refresh_from_db()


def _check_nothing_quarantined_since(referral: Referral) -> None:
    package = Package.objects.filter(referral=referral).first()
    packed = EvidenceItem.objects.filter(pk__in=package.items if package else [])
    if packed.exclude(state__in=EvidenceItem.OPENABLE).exists():
        raise ItemQuarantined(
            "A file in this package was locked after it was built. It does not leave; please prepare a new referral."
        )


def find(code: str) -> Disclosure:
    """What waits under a collection code. Raises UnknownCollection."""
    digest = hashlib.sha256(code.strip().lower().encode()).hexdigest()
    found = Disclosure.objects.filter(token_hash=digest, expires_at__gt=timezone.now()).first()
    if found is None:
        raise UnknownCollection
    return found


def collected(disclosure: Disclosure) -> None:
    """The partner has begun to take the locked package: on record before a byte is sent."""
    case_id, _report_id, partner_id = _parties(disclosure)
    with transaction.atomic():
        Disclosure.objects.filter(pk=disclosure.pk, collected_at=None).update(
            collected_at=timezone.now()
        )
        record(
            case_id,
            "package:collected",
            actor=partner(partner_id),
            detail={"referral": disclosure.pk},
        )


def acknowledge(
    disclosure: Disclosure, answer: str, reference: str, *, by: Actor | None = None
) -> None:
    """received or rejected, with the partner's own reference; `by` is the partner itself, unless a person of the office heard it.

    A second answer changes nothing and is not an error.
    """
    state = {"received": Referral.State.ACKNOWLEDGED, "rejected": Referral.State.REJECTED}[answer]
    case_id, report_id, partner_id = _parties(disclosure)
    reference = reference.strip()[:REFERENCE_LIMIT]
    sealed = seal_text(reference, founding(report_id).public_key) if reference else b""
    with transaction.atomic():
        waiting = Referral.objects.filter(
            pk=disclosure.pk, state__in=[Referral.State.DISCLOSED, Referral.State.SILENT]
        )
        if waiting.update(state=state) != 1:
            return
        Disclosure.objects.filter(pk=disclosure.pk).update(
            acknowledged_at=timezone.now(), answer=answer, reference=sealed
        )
        detail = {"referral": disclosure.pk, "answer": answer, "reference": reference}
        record(case_id, "referral:answered", actor=by or partner(partner_id), detail=detail)


def _parties(disclosure: Disclosure) -> tuple[str, str, str]:
    """(case, report, partner): read by columns, because the partner door may read no more."""
    columns = Referral.objects.values_list("case_id", "report_id", "partner_key_id")
    case_id, report_id, partner_key_id = columns.get(pk=disclosure.pk)
    return (
        case_id,
        report_id,
        PartnerKey.objects.values_list("partner_id", flat=True).get(pk=partner_key_id),
    )
