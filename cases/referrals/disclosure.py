"""The ordinary lane: draft → a second person approves → package built and locked → handed over → acknowledged."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases.exports import build, gather
from cases.exports.lock import Hashing, Lock
from cases.models import Case, Disclosure, Package, Recipient, Referral
from cases.models.referral import referral_id
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import consent, evidence
from reporting.actors import job, partner
from reporting.custody.record import founding, record
from reporting.models import EvidenceItem, Look, Report
from reporting.vault.fields import seal_text

COLLECT_WITHIN = timedelta(days=14)
BUILD_AGAIN_AFTER = timedelta(minutes=10)
REFERENCE_LIMIT = 100  # characters of a partner's own reference


class SamePerson(PermissionDenied):
    """Whoever prepared a referral cannot approve it."""


class RecipientNotReady(Exception):
    """The partner's key is unknown, unchecked or expired."""


class NotNext(Exception):
    """The referral is not in a state in which that can be done; nothing was changed."""


class ItemLocked(Exception):
    """A file that may show a child is in the package: no hand-over."""


class BasisMissing(Exception):
    """Neither a consent nor a legal basis that says which."""


def check_recipient(recipient: Recipient) -> None:
    """Raises RecipientNotReady."""
    if recipient.checked_at is None:
        raise RecipientNotReady(
            "Nobody has compared this key's fingerprint with the partner yet. A second person must do that first."
        )
    if recipient.expires_at <= timezone.now():
        raise RecipientNotReady(f"This key expired on {recipient.expires_at:%d %B %Y}. Ask the partner for a new one.")


def draft(
    case: Case,
    report: Report,
    recipient: Recipient,
    *,
    items: Sequence[str],
    legal_basis: str = "",
    words: str = "",
    by: StaffMember,
) -> Referral:
    """Prepare. With no legal basis chosen, her consent to this partner must be there, signed and unexpired.

    `legal_basis`: one of Referral.LegalBasis; `words` then say which order or law it is.
    """
    by.check_may(May.PREPARE_REFERRALS)
    check_recipient(recipient)
    if legal_basis and not words.strip():
        raise BasisMissing("Please write which order or law it is: who approves it, and the partner, read that.")
    given = None if legal_basis else consent.current(report, recipient.partner_id)
    with transaction.atomic():
        referral = Referral.objects.create(
            id=referral_id(),
            case=case,
            report=report,
            recipient=recipient,
            consent=given,
            legal_basis=legal_basis,
            words=seal_text(words.strip(), founding(report.pk).recipient) if legal_basis else b"",
            items=list(items),
            prepared_by=by,
            state=Referral.State.CHECKED,
        )
        basis = given.pk if given else f"{legal_basis}: {words.strip()}"
        detail = {"referral": referral.pk, "partner": recipient.partner_id, "basis": basis, "items": list(items)}
        record(case.pk, "referral:drafted", actor=by.actor, detail=detail)
    return referral


def approve(referral: Referral, *, by: StaffMember) -> None:
    """A second person says yes. The basis is checked again at this moment: a consent may have ended since."""
    by.check_may(May.APPROVE_REFERRALS)
    if referral.prepared_by_id == by.pk:
        raise SamePerson("You prepared this referral, so somebody else must approve it. It is waiting for them.")
    assert referral.recipient is not None
    check_recipient(referral.recipient)
    _check_basis(referral)
    with transaction.atomic():
        waiting = Referral.objects.filter(pk=referral.pk, state=Referral.State.CHECKED)
        if waiting.update(state=Referral.State.APPROVED, approved_by=by, approved_at=timezone.now()) != 1:
            raise NotNext("This referral is no longer waiting for approval. Nothing was changed.")
        record(referral.case_id, "referral:approved", actor=by.actor, detail={"referral": referral.pk})
    referral.refresh_from_db()


def _check_basis(referral: Referral) -> None:
    if referral.consent:
        assert referral.recipient is not None
        consent.current(referral.report, referral.recipient.partner_id)
    elif not referral.legal_basis:
        raise BasisMissing("There is neither a consent nor a legal basis.")


def _check_nothing_locked_since(referral: Referral) -> None:
    package = Package.objects.filter(referral=referral).first()
    packed = EvidenceItem.objects.filter(pk__in=package.items if package else [])
    if packed.exclude(state__in=EvidenceItem.OPENABLE).exists():
        raise ItemLocked(
            "A file in this package was locked after it was built. It does not leave; please prepare a new referral."
        )


def approved() -> list[Referral]:
    """What waits to be built; a build that failed waits ten minutes, because each try opens the report and she sees it."""
    waiting = Referral.objects.filter(state=Referral.State.APPROVED)
    rested = Q(build_failed_at=None) | Q(build_failed_at__lt=timezone.now() - BUILD_AGAIN_AFTER)
    return list(waiting.filter(rested).select_related("recipient__partner", "report", "consent"))


def note_failure(referral: Referral, error: Exception) -> None:
    """For the referral's page: what kind of failure, without its words."""
    Referral.objects.filter(pk=referral.pk).update(build_failed_at=timezone.now(), build_failure=type(error).__name__)


def package(referral: Referral) -> Package:
    """The worker builds: gather, write, seal, lock, keep. Raises what its parts raise; nothing is kept then, and it is tried again."""
    by = job("package")
    assert referral.recipient is not None
    check_recipient(referral.recipient)
    _check_basis(referral)
    material = gather.material(referral, by=by)
    name = secrets.token_hex(16)
    staged = evidence.store().stage(name)
    try:
        locked = Hashing(staged)
        with Lock(referral.recipient.age_recipient, locked) as sink:
            tagmanifest = build.write(material, sink, seal=build.seal_from_settings())
        staged.keep()
    except BaseException:
        staged.discard()
        raise
    with transaction.atomic():
        if Referral.objects.filter(pk=referral.pk, state=Referral.State.APPROVED).update(state=Referral.State.BUILT) != 1:
            raise NotNext("another worker built this package")
        built = Package.objects.create(
            referral=referral,
            name=material.name,
            vault_name=name,
            locked_size=locked.size,
            locked_sha256=locked.sha256,
            tagmanifest_sha256=tagmanifest,
            items=[exhibit.item.pk for exhibit in material.exhibits],
        )
        detail = {"referral": referral.pk, "locked_sha256": locked.sha256, "tagmanifest_sha256": tagmanifest}
        record(referral.case_id, "package:sealed", actor=by, detail=detail)
    return built


def hand_over(referral: Referral, *, by: StaffMember) -> str:
    """A collection code for the partner, shown once; we keep only its SHA-256. The basis must still hold at this moment."""
    by.check_may(May.PREPARE_REFERRALS)
    code = secrets.token_hex(20)
    assert referral.recipient is not None
    check_recipient(referral.recipient)
    _check_basis(referral)
    _check_nothing_locked_since(referral)
    name = referral.recipient.partner.name
    with transaction.atomic():
        if Referral.objects.filter(pk=referral.pk, state=Referral.State.BUILT).update(state=Referral.State.DISCLOSED) != 1:
            raise NotNext("The package is not ready, or was handed over already. Nothing was changed.")
        Disclosure.objects.create(
            referral=referral,
            token_hash=hashlib.sha256(code.encode()).hexdigest(),
            expires_at=timezone.now() + COLLECT_WITHIN,
        )
        Look.objects.create(report=referral.report, who=by.role_name, act=f"gave it to {name}")
        detail = {"referral": referral.pk, "partner": referral.recipient.partner_id}
        record(referral.case_id, "referral:disclosed", actor=by.actor, detail=detail)
        record(referral.report_id, "report:disclosed", actor=by.actor, detail=detail)
    referral.refresh_from_db()
    return code


class UnknownCollection(Exception):
    """No package waits under this code, or its time is over."""


def find(code: str) -> Disclosure:
    digest = hashlib.sha256(code.strip().lower().encode()).hexdigest()
    found = Disclosure.objects.filter(token_hash=digest, expires_at__gt=timezone.now()).first()
    if found is None:
        raise UnknownCollection
    return found


def collected(disclosure: Disclosure) -> None:
    """The partner has begun to take the locked package: on record before a byte is sent."""
    partner_id, case_id = _parties(disclosure)
    with transaction.atomic():
        Disclosure.objects.filter(pk=disclosure.pk, collected_at=None).update(collected_at=timezone.now())
        record(case_id, "package:collected", actor=partner(partner_id), detail={"referral": disclosure.pk})


def acknowledge(disclosure: Disclosure, answer: str, reference: str) -> None:
    """received or rejected, with the partner's own reference. A second answer changes nothing and is not an error."""
    state = {"received": Referral.State.ACKNOWLEDGED, "rejected": Referral.State.REJECTED}[answer]
    partner_id, case_id = _parties(disclosure)
    report_id = Referral.objects.values_list("report_id", flat=True).get(pk=disclosure.pk)
    reference = reference.strip()[:REFERENCE_LIMIT]
    sealed = seal_text(reference, founding(report_id).recipient) if reference else b""
    with transaction.atomic():
        waiting = Referral.objects.filter(pk=disclosure.pk, state__in=[Referral.State.DISCLOSED, Referral.State.SILENT])
        if waiting.update(state=state) != 1:
            return
        Disclosure.objects.filter(pk=disclosure.pk).update(acknowledged_at=timezone.now(), answer=answer, reference=sealed)
        detail = {"referral": disclosure.pk, "answer": answer, "reference": reference}
        record(case_id, "referral:answered", actor=partner(partner_id), detail=detail)


def _parties(disclosure: Disclosure) -> tuple[str, str]:
    """(partner, case): read by columns, because the partner door may read no more."""
    case_id, recipient_id = Referral.objects.values_list("case_id", "recipient_id").get(pk=disclosure.pk)
    return Recipient.objects.values_list("partner_id", flat=True).get(pk=recipient_id), case_id
