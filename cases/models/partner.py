"""Partners, and the public keys that packages are encrypted for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from cases.staff.models import StaffMember
from reporting import ids


def partner_id() -> str:
    return ids.new("P")


class Partner(models.Model):
    class Kind(models.TextChoices):
        POLICE = "police", "Police"
        HOTLINE = "hotline", "Hotline"

    id = models.CharField(primary_key=True, max_length=14, default=partner_id)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    phone = models.CharField(max_length=40, blank=True)

    INTERNAL: ClassVar = {"id", "name", "kind", "phone"}


class PartnerKey(models.Model):
    """A partner's age public key. No package is encrypted for it before a second person has
    compared its fingerprint with the partner."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="keys")
    public_key = models.CharField(max_length=80, unique=True)
    added_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    checked_by = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, related_name="+", null=True
    )
    checked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    added_at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {
        "id",
        "partner",
        "added_by",
        "checked_by",
        "checked_at",
        "expires_at",
        "added_at",
    }
    PUBLIC: ClassVar = {"public_key"}

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(checked_at=None, checked_by=None)
                | (
                    ~models.Q(checked_at=None)
                    & ~models.Q(checked_by=None)
                    & ~models.Q(checked_by=models.F("added_by"))
                ),
                name="partner_key_checked_by_another",
            )
        ]
