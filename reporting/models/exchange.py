"""What passes between her and the office: messages, her receipt, her consents, who looked."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from reporting import ids
from reporting.models.people import Person
from reporting.models.report import Report
from reporting.vault.fields import SealedField


class Message(models.Model):
    id = models.CharField(primary_key=True, max_length=14, default=ids.message)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="messages")
    from_office = models.BooleanField()
    sealed = SealedField()
    at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)

    INTERNAL: ClassVar = {"id", "report", "from_office", "at", "read_at"}


class Receipt(models.Model):
    """The signed statement that her report was taken; with `proof` (C2SP tlog-proof), that it stands under a checkpoint. `body` holds ids, public keys and commitments, nothing she wrote."""

    report = models.OneToOneField(
        Report, on_delete=models.PROTECT, primary_key=True, related_name="receipt"
    )
    body = models.TextField()
    signature = models.BinaryField()
    certificate = models.TextField()
    proof = models.TextField(default="")

    INTERNAL: ClassVar = {"report", "body", "signature"}
    PUBLIC: ClassVar = {"certificate", "proof"}

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["report"], condition=models.Q(proof=""), name="receipt_unconfirmed"
            )
        ]


class Consent(models.Model):
    """Her yes, not now or never to one recipient for one purpose, signed with her return code's key. The latest by `signed_at`, which
    she signed too, is the one that holds: whoever puts an earlier yes in again does not make it the latest."""

    class Answer(models.TextChoices):
        YES = "yes"
        NOT_NOW = "not_now"
        NEVER = "never"

    id = models.CharField(primary_key=True, max_length=14, default=ids.consent)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="consents")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents")
    partner = models.CharField(max_length=14)
    answer = models.CharField(max_length=10, choices=Answer.choices)
    signed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    statement = models.TextField()
    signature = models.BinaryField()

    INTERNAL: ClassVar = {
        "id",
        "report",
        "person",
        "partner",
        "answer",
        "signed_at",
        "expires_at",
        "statement",
        "signature",
    }


class Look(models.Model):
    """A line of the list of who looked, written by the office in the same transaction as the look."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="looks")
    who = models.CharField(max_length=60)
    act = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())
    shown_at = models.DateTimeField(null=True)

    INTERNAL: ClassVar = {"id", "report", "who", "act", "at", "shown_at"}


class PartnerOffer(models.Model):
    """A partner as she may see it when she is asked: written down by the office, read by the public door."""

    partner = models.CharField(max_length=14, primary_key=True)
    name = models.CharField(max_length=120)
    plain_words = models.TextField()
    reviewed_on = models.DateField()

    PUBLIC: ClassVar = {"partner", "name", "plain_words", "reviewed_on"}
