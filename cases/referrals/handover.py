"""How a package leaves, and the partner's answer: collected at the partner door with a code, or
carried by a person."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cases import stored
from cases.errors import NotNext
from cases.models import Disclosure, Package, Referral
from cases.referrals.disclosure import check_basis, check_partner_key
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import on_record, quarantine
from reporting.actors import Actor
from reporting.custody.record import record, record_on_both
from reporting.models import EvidenceItem, Report

COLLECT_WITHIN = timedelta(days=14)
REFERENCE_LIMIT = 100  # characters of a partner's own reference


class ItemQuarantined(Exception):
    """Something in the package may show a child, or is not what came in: no hand-over."""


class UnknownCollection(Exception):
    """No package waits under this code, or its time is over."""


@dataclass(frozen=True)
class Collection:
    """What waits under a collection code, as the partner door may know it. `size` in bytes,
    `sha256` in hex.

    `collectable`: not taken back, not rejected, and nothing in it is quarantined.
    """

    referral: str
    case_id: str
    report: str
    partner: str
    partner_name: str
    package: str
    vault_name: str
    size: int
    sha256: str
    expires_at: datetime
    collected_at: datetime | None
    taken_back_at: datetime | None
    answer: str
    collectable: bool


def by_code(referral: Referral, *, by: StaffMember) -> str:
    """A collection code for the partner door, shown once; only its SHA-256 is kept."""
    code = secrets.token_hex(20)
    _hand_over(
        referral,
        by=by,
        token_hash=hashlib.sha256(code.encode()).hexdigest(),
        expires_at=timezone.now() + COLLECT_WITHIN,
    )
    return code


def in_person(referral: Referral, *, by: StaffMember) -> Package:
    """The encrypted package, for a person who carries it to a partner without our door.

    May be taken again if the copying failed. Raises what `_hand_over` raises.
    """
    by.check_may(May.PREPARE_REFERRALS)
    with stored.holding(referral.pk):
        carried = Disclosure.objects.filter(
            referral=referral, token_hash=None, taken_back_at=None
        ).exclude(collected_at=None)
        if not carried.exists():
            _hand_over(referral, by=by, collected_at=timezone.now())
        check_basis(referral)
        _check_nothing_quarantined_since(referral)
        record(
            referral.case_id,
            "package:carried",
            actor=by.actor,
            detail={"referral": referral.pk},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    return Package.objects.get(referral=referral)


def _hand_over(referral: Referral, *, by: StaffMember, **how: Any) -> None:
    """The basis must hold at this moment, under the report's lock: whoever quarantines takes the
    same lock.

    Raises PermissionDenied, NotNext, ItemQuarantined, and what check_partner_key and check_basis
    raise.
    """
    by.check_may(May.PREPARE_REFERRALS)
    assert referral.partner_key is not None
    check_partner_key(referral.partner_key)
    with stored.holding(referral.pk):
        Report.objects.select_for_update().get(pk=referral.report_id)
        check_basis(referral)
        _check_nothing_quarantined_since(referral)
        built = Referral.objects.filter(pk=referral.pk, state=Referral.State.BUILT)
        if built.update(state=Referral.State.DISCLOSED) != 1:
            raise NotNext(
                "The package is not ready, or was handed over already. Nothing was changed."
            )
        Disclosure.objects.create(referral=referral, **how)
        record_on_both(
            referral.report_id,
            referral.case_id,
            "report:disclosed",
            on_case="referral:disclosed",
            actor=by.actor,
            detail={"referral": referral.pk, "partner": referral.partner_key.partner_id},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    referral.refresh_from_db()


def _check_nothing_quarantined_since(referral: Referral) -> None:
    package = Package.objects.filter(referral=referral).first()
    if package is None:
        raise NotNext("The package is not ready. Nothing was changed.")
    items = on_record.of(referral.report_id, only=EvidenceItem).items
    frozen = {entry.id for entry in items if entry.failed or entry.fault}
    frozen |= quarantine.closed(referral.report_id)
    if frozen.intersection(package.items):
        raise ItemQuarantined(
            "Something in this package was locked after it was built. It does not leave; "
            "please prepare a new referral."
        )


def find(code: str) -> Collection:
    """What waits under a collection code. Raises UnknownCollection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM public.cases_collection(%s)", [_typed(code)])
        row = cursor.fetchone()
    if row is None:
        raise UnknownCollection
    return Collection(*row)


def collected(code: str) -> Collection:
    """The partner begins to take the package: on record before a byte is sent. Raises
    UnknownCollection."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.cases_collect(%s)", [_typed(code)])
            sha256: bytes | None = cursor.fetchone()[0]
        if sha256 is None:
            raise UnknownCollection
        collection = find(code)
        record(
            collection.case_id,
            "package:collected",
            actor=Actor(collection.partner),
            detail={"referral": collection.referral},
            about=collection.referral,
            about_sha256=bytes(sha256),
        )
    return collection


def answered_by_partner(code: str, answer: str, reference: str) -> None:
    """The partner's own answer at its door. A second answer changes nothing and is not an error."""
    collection = find(code)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.cases_answer(%s, %s)", [_typed(code), answer])
            sha256: bytes | None = cursor.fetchone()[0]
        if sha256 is None:
            return
        _record_answer(
            collection.report,
            collection.referral,
            answer,
            reference,
            sha256=bytes(sha256),
            by=Actor(collection.partner),
        )


def acknowledge(referral: Referral, answer: str, reference: str, *, by: StaffMember) -> None:
    """The partner's answer as a person of the office heard it. A second answer changes nothing and
    is not an error.

    A rejection closes the collection. Raises PermissionDenied.
    """
    by.check_may(May.PREPARE_REFERRALS)
    state = {"received": Referral.State.ACKNOWLEDGED, "rejected": Referral.State.REJECTED}[answer]
    with stored.holding(referral.pk):
        Report.objects.select_for_update().get(pk=referral.report_id)
        waiting = Referral.objects.filter(
            pk=referral.pk, state__in=[Referral.State.DISCLOSED, Referral.State.SILENT]
        )
        if waiting.update(state=state) != 1:
            return
        Disclosure.objects.filter(pk=referral.pk).update(
            acknowledged_at=timezone.now(), answer=answer
        )
        _record_answer(
            referral.report_id,
            referral.pk,
            answer,
            reference,
            sha256=stored.handover_sha256(referral.pk),
            by=by.actor,
        )


def _record_answer(
    report: str, referral: str, answer: str, reference: str, *, sha256: bytes, by: Actor
) -> None:
    detail = {
        "referral": referral,
        "answer": answer,
        "reference": reference.strip()[:REFERENCE_LIMIT],
    }
    record(
        report,
        "referral:answered",
        actor=by,
        detail=detail,
        about=referral,
        about_sha256=sha256,
    )


def _typed(code: str) -> str:
    return code.strip().lower()
