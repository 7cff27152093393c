"""The decision to hand over, the package built for it, and what the partner answered."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from cases.models.case import Case
from cases.models.partner import PartnerKey
from cases.staff.models import StaffMember
from reporting import ids
from reporting.models import Consent, Report


def referral_id() -> str:
    return ids.new("F")


def new_salt() -> str:
    return secrets.token_hex(16)


class Referral(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        PREPARED = "prepared"
        APPROVED = "approved"
        BUILT = "built"
        DISCLOSED = "disclosed"
        ACKNOWLEDGED = "acknowledged"
        OUTCOME = "outcome"
        REJECTED = "rejected"
        SILENT = "silent"
        RECALLED = "recalled"
        REVIEWED = "reviewed"

    class Lane(models.TextChoices):
        ORDINARY = "ordinary"
        EMERGENCY = "emergency"

    class LegalBasis(models.TextChoices):
        COURT_ORDER = "court_order", "An order of a court or prosecutor"
        DUTY_TO_REPORT = "duty_to_report", "A law obliges us to report it"
        THREAT_TO_LIFE = "threat_to_life", "A life is in danger"
        OTHER = "other", "Another legal basis"

    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.DRAFT: frozenset({State.PREPARED}),
        State.PREPARED: frozenset({State.APPROVED, State.DRAFT}),
        State.APPROVED: frozenset({State.BUILT}),
        State.BUILT: frozenset({State.DISCLOSED}),
        State.DISCLOSED: frozenset(
            {State.ACKNOWLEDGED, State.REJECTED, State.SILENT, State.RECALLED, State.REVIEWED}
        ),
        State.ACKNOWLEDGED: frozenset({State.OUTCOME, State.RECALLED}),
        State.SILENT: frozenset({State.ACKNOWLEDGED, State.REJECTED, State.RECALLED}),
        State.OUTCOME: frozenset({State.RECALLED}),
        State.REJECTED: frozenset(),
        State.RECALLED: frozenset(),
        State.REVIEWED: frozenset(),
    }

    id = models.CharField(primary_key=True, max_length=14, default=referral_id)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="referrals")
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="referrals")
    lane = models.CharField(max_length=10, choices=Lane.choices, default=Lane.ORDINARY)
    state = models.CharField(max_length=14, choices=State.choices, default=State.DRAFT)
    partner_key = models.ForeignKey(PartnerKey, on_delete=models.PROTECT, null=True)
    profile = models.CharField(max_length=20, default="le-full")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True)
    legal_basis = models.CharField(max_length=20, choices=LegalBasis.choices, blank=True)
    items = models.JSONField(default=list)
    prepared_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField(db_default=Now())
    approved_by = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, related_name="+", null=True
    )
    approved_at = models.DateTimeField(null=True)
    build_failed_at = models.DateTimeField(null=True)
    build_failure = models.CharField(max_length=80, blank=True)
    reviewed_by = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, related_name="+", null=True
    )
    reviewed_at = models.DateTimeField(null=True)
    salt = models.CharField(max_length=32, default=new_salt)  # see cases/schema.sql

    INTERNAL: ClassVar = {
        "id",
        "case",
        "report",
        "lane",
        "state",
        "partner_key",
        "profile",
        "consent",
        "legal_basis",
        "items",
        "prepared_by",
        "prepared_at",
        "approved_by",
        "approved_at",
        "build_failed_at",
        "build_failure",
        "reviewed_by",
        "reviewed_at",
        "salt",
    }

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "prepared_at"], name="referral_by_state")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(approved_by=None, approved_at=None)
                | (
                    ~models.Q(approved_at=None)
                    & ~models.Q(approved_by=None)
                    & ~models.Q(approved_by=models.F("prepared_by"))
                ),
                name="referral_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_by=None, reviewed_at=None)
                | (
                    ~models.Q(reviewed_at=None)
                    & ~models.Q(reviewed_by=None)
                    & ~models.Q(reviewed_by=models.F("prepared_by"))
                ),
                name="referral_reviewed_by_another",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="reviewed") | ~models.Q(reviewed_by=None),
                name="referral_reviewed_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(lane="emergency")
                | models.Q(state__in=["draft", "prepared"])
                | (
                    ~models.Q(approved_by=None)
                    & (~models.Q(consent=None) | ~models.Q(legal_basis=""))
                ),
                name="referral_has_basis_and_approval",
            ),
        ]


class Package(models.Model):
    """A package in the vault, encrypted for its partner. It is not written to a disk in plain."""

    referral = models.OneToOneField(
        Referral, on_delete=models.PROTECT, primary_key=True, related_name="package"
    )
    name = models.CharField(max_length=60)
    vault_name = models.CharField(max_length=40)
    encrypted_size = models.BigIntegerField()
    encrypted_sha256 = models.CharField(max_length=64)
    tagmanifest_sha256 = models.CharField(max_length=64)
    items = models.JSONField(default=list)
    built_at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {"referral", "name", "vault_name", "encrypted_size", "items", "built_at"}
    PUBLIC: ClassVar = {"encrypted_sha256", "tagmanifest_sha256"}


class Disclosure(models.Model):
    """The hand-over and the partner's answer.

    By collection code (`token_hash` is its hash; the code is not kept), in person (`carried`), or
    by phone in an emergency. The words of an emergency, and the partner's own reference, lie in the
    details of their acts.
    """

    referral = models.OneToOneField(
        Referral, on_delete=models.PROTECT, primary_key=True, related_name="disclosure"
    )
    token_hash = models.CharField(max_length=64, unique=True, null=True)
    expires_at = models.DateTimeField(null=True)
    disclosed_at = models.DateTimeField(db_default=Now())
    collected_at = models.DateTimeField(null=True)
    taken_back_at = models.DateTimeField(null=True)  # the reporter took the yes back
    told_at = models.DateTimeField(null=True)  # the partner was told that the yes was taken back
    acknowledged_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=20, blank=True)

    INTERNAL: ClassVar = {
        "referral",
        "token_hash",
        "expires_at",
        "disclosed_at",
        "collected_at",
        "taken_back_at",
        "told_at",
        "acknowledged_at",
        "answer",
    }

    @property
    def carried(self) -> bool:
        """Handed over in person, not collected at the partner door."""
        return self.token_hash is None and self.collected_at is not None
