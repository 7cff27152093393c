"""The ordinary lane until the package is ready: prepared, approved by a second person, built and
encrypted. `handover` is what follows."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases import stored
from cases.errors import NotNext
from cases.exports import build, gather
from cases.exports.encrypt_for import EncryptFor, Hashing
from cases.models import Case, Package, PartnerKey, Referral
from cases.models.referral import referral_id
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import consent, evidence
from reporting.actors import job
from reporting.custody.record import record, record_on_both
from reporting.models import Consent, Report

BUILD_AGAIN_AFTER = timedelta(minutes=10)


class SamePerson(PermissionDenied):
    """Whoever prepared a referral cannot approve it."""


class PartnerKeyNotReady(Exception):
    """The partner's key is unknown, unchecked or expired."""


class BasisMissing(Exception):
    """There is no consent, and no legal basis with the words that name it."""


def check_partner_key(partner_key: PartnerKey) -> None:
    """Checked by a second person and unexpired. Raises PartnerKeyNotReady."""
    if partner_key.checked_at is None:
        raise PartnerKeyNotReady(
            "Nobody has compared this key's fingerprint with the partner yet. "
            "A second person must do that first."
        )
    if partner_key.expires_at <= timezone.now():
        raise PartnerKeyNotReady(
            f"This key expired on {partner_key.expires_at:%d %B %Y}. Ask the partner for a new one."
        )


def draft(
    case: Case,
    report: Report,
    partner_key: PartnerKey,
    *,
    items: Sequence[str],
    legal_basis: str = "",
    words: str = "",
    by: StaffMember,
) -> Referral:
    """Prepare a referral of `items` (ids of evidence items of this report).

    `legal_basis`: one of Referral.LegalBasis; `words` then say which order or law it is. Without
    it, the reporter's consent to this partner must exist, signed and unexpired. Raises
    PermissionDenied, PartnerKeyNotReady, BasisMissing, consent.ConsentMissing.
    """
    by.check_may(May.PREPARE_REFERRALS)
    check_partner_key(partner_key)
    if legal_basis and not words.strip():
        raise BasisMissing(
            "Please write which order or law it is: who approves it, and the partner, read that."
        )
    given = None if legal_basis else _consented(report, partner_key)
    with transaction.atomic():
        referral = Referral.objects.create(
            id=referral_id(),
            case=case,
            report=report,
            partner_key=partner_key,
            consent=given,
            legal_basis=legal_basis,
            items=list(items),
            prepared_by=by,
            state=Referral.State.PREPARED,
        )
        basis = given.pk if given else f"{legal_basis}: {words.strip()}"
        detail = {
            "referral": referral.pk,
            "partner": partner_key.partner_id,
            "public_key": partner_key.public_key,
            "basis": basis,
            "items": list(items),
        }
        record_on_both(
            report.pk,
            case.pk,
            "referral:prepared",
            actor=by.actor,
            detail=detail,
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    return referral


def approve(referral: Referral, *, by: StaffMember) -> None:
    """A second person approves. The basis is checked again: a consent may have ended since.

    Raises PermissionDenied, SamePerson, NotNext, and what check_partner_key and check_basis raise.
    """
    by.check_may(May.APPROVE_REFERRALS)
    if referral.prepared_by_id == by.pk:
        raise SamePerson(
            "You prepared this referral, so somebody else must approve it. It is waiting for them."
        )
    assert referral.partner_key is not None
    check_partner_key(referral.partner_key)
    with stored.holding(referral.pk):
        Report.objects.select_for_update().get(pk=referral.report_id)
        check_basis(referral)
        waiting = Referral.objects.filter(pk=referral.pk, state=Referral.State.PREPARED)
        changed = waiting.update(
            state=Referral.State.APPROVED, approved_by=by, approved_at=timezone.now()
        )
        if changed != 1:
            raise NotNext("This referral is no longer waiting for approval. Nothing was changed.")
        record_on_both(
            referral.report_id,
            referral.case_id,
            "referral:approved",
            actor=by.actor,
            detail={"referral": referral.pk, "partner": referral.partner_key.partner_id},
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    referral.refresh_from_db()


def check_basis(referral: Referral) -> None:
    """Checked again at every step, because a consent may have ended or been withdrawn.

    Raises consent.ConsentMissing, BasisMissing.
    """
    if referral.consent:
        assert referral.partner_key is not None
        _consented(referral.report, referral.partner_key)
    elif not referral.legal_basis:
        raise BasisMissing("There is neither a consent nor a legal basis.")


def _consented(report: Report, partner_key: PartnerKey) -> Consent:
    partner = partner_key.partner
    return consent.current(report, partner.pk, partner.name)


def approved() -> list[Referral]:
    """What waits to be built. A failed build waits for BUILD_AGAIN_AFTER, because each try opens
    the report and the reporter sees it."""
    waiting = Referral.objects.filter(state=Referral.State.APPROVED)
    rested = Q(build_failed_at=None) | Q(build_failed_at__lt=timezone.now() - BUILD_AGAIN_AFTER)
    return list(waiting.filter(rested).select_related("partner_key__partner", "report", "consent"))


def note_failure(referral: Referral, error: Exception) -> None:
    """For the referral's page: only the error's class; its text may hold data of the report."""
    Referral.objects.filter(pk=referral.pk).update(
        build_failed_at=timezone.now(), build_failure=type(error).__name__
    )


def package(referral: Referral) -> Package:
    """By the worker: gather, write, sign, encrypt for the partner, keep in the vault.

    If that fails, the staged bytes are discarded and the referral stays approved, so that it is
    built again. Raises what its parts raise, and NotNext if the referral moved on meanwhile.
    """
    by = job("package")
    stored.check_handover(referral.pk)
    assert referral.partner_key is not None
    check_partner_key(referral.partner_key)
    check_basis(referral)
    material = gather.material(referral, by=by)
    vault_name = secrets.token_hex(16)
    staged = evidence.store().stage(vault_name)
    try:
        encrypted = Hashing(staged)
        with EncryptFor(referral.partner_key.public_key, encrypted) as sink:
            tagmanifest = build.write(material, sink, signer=build.signer_from_settings())
        staged.keep()
    except BaseException:
        staged.discard()
        raise
    with stored.holding(referral.pk):
        waiting = Referral.objects.filter(pk=referral.pk, state=Referral.State.APPROVED)
        if waiting.update(state=Referral.State.BUILT) != 1:
            evidence.store().remove(vault_name)
            raise NotNext("the referral is no longer waiting for its package")
        built = Package.objects.create(
            referral=referral,
            name=material.name,
            vault_name=vault_name,
            encrypted_size=encrypted.size,
            encrypted_sha256=encrypted.sha256,
            tagmanifest_sha256=tagmanifest,
            items=material.things,
        )
        detail = {
            "referral": referral.pk,
            "encrypted_sha256": encrypted.sha256,
            "tagmanifest_sha256": tagmanifest,
        }
        record(
            referral.case_id,
            "package:signed",
            actor=by,
            detail=detail,
            about=referral.pk,
            about_sha256=stored.handover_sha256(referral.pk),
        )
    return built
