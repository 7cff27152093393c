"""What is decided about a quarantined item: proposed by the safeguarding officer, confirmed by a
second person."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from cases.staff.models import StaffMember
from reporting.models import Quarantine


class QuarantineDecision(models.Model):
    class Choice(models.TextChoices):
        DESTROYED = "destroyed", "Reported to the authority, destroy our copy"
        PRESERVED = "preserved", "Preserve, closed to everybody"
        RELEASED = "released", "It shows no child: release"

    quarantine = models.ForeignKey(Quarantine, on_delete=models.PROTECT, related_name="decisions")
    choice = models.CharField(max_length=10, choices=Choice.choices)
    proposed_by = models.ForeignKey(StaffMember, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    confirmed_by = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, related_name="+", null=True
    )
    confirmed_at = models.DateTimeField(null=True)

    INTERNAL: ClassVar = {
        "id",
        "quarantine",
        "choice",
        "proposed_by",
        "proposed_at",
        "confirmed_by",
        "confirmed_at",
    }

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None, confirmed_at=None)
                | (
                    ~models.Q(confirmed_at=None)
                    & ~models.Q(confirmed_by=None)
                    & ~models.Q(confirmed_by=models.F("proposed_by"))
                ),
                name="quarantine_two_people",
            ),
            models.UniqueConstraint(
                fields=["quarantine"],
                condition=models.Q(confirmed_at=None),
                name="quarantine_one_open_decision",
            ),
        ]
