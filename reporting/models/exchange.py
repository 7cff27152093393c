"""What passes between reporter and office: messages, the receipt, consents, and who the people of
the office are."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reporting import ids
from reporting.models.people import Person
from reporting.models.report import Report
from reporting.vault.fields import SealedField


class Message(models.Model):
    id = models.CharField(primary_key=True, max_length=14, default=ids.message)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="messages")
    from_office = models.BooleanField()
    sealed = SealedField()
    at = models.DateTimeField()  # of the act that posted it

    INTERNAL: ClassVar = {"id", "report", "from_office", "at"}


class Receipt(models.Model):
    """The signed statement that a report was taken. `body` holds ids, public keys and commitments,
    no words.

    `proof` (C2SP tlog-proof): that the event stands under a checkpoint; empty until then. `sent`
    (JSON): the reporter's signature over the act of sending, which the office checks before it has
    the report's key (`reporting.sent`).
    """

    report = models.OneToOneField(
        Report, on_delete=models.PROTECT, primary_key=True, related_name="receipt"
    )
    body = models.TextField()
    signature = models.BinaryField()
    certificate = models.TextField()
    proof = models.TextField(default="")
    sent = models.TextField(default="")

    INTERNAL: ClassVar = {"report", "body", "signature", "sent"}
    PUBLIC: ClassVar = {"certificate", "proof"}

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["report"], condition=models.Q(proof=""), name="receipt_unconfirmed"
            )
        ]


class Consent(models.Model):
    """The reporter's yes, not now or never to one partner, signed with the return code's key.

    The one that holds is the latest by the ledger. Its act's object hash is SHA-256(statement ‖
    signature).
    """

    class Answer(models.TextChoices):
        YES = "yes"
        NOT_NOW = "not_now"
        NEVER = "never"

    id = models.CharField(primary_key=True, max_length=14, default=ids.consent)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="consents")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents")
    partner = models.CharField(max_length=14)
    answer = models.CharField(max_length=10, choices=Answer.choices)
    expires_at = models.DateTimeField()
    statement = models.TextField()
    signature = models.BinaryField()
    at = models.DateTimeField()  # of the act that recorded it

    INTERNAL: ClassVar = {
        "id", "report", "person", "partner", "answer", "expires_at", "statement", "signature", "at"
    }  # fmt: skip

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["report", "partner", "-at"], name="consent_latest")
        ]


class Colleague(models.Model):
    """The role behind an opaque actor id of the office, written down so that the reporter can read
    who looked."""

    actor = models.CharField(primary_key=True, max_length=14)
    role = models.CharField(max_length=20)

    INTERNAL: ClassVar = {"actor", "role"}


class PartnerOffer(models.Model):
    """A partner as the reporter is shown it: written down by the office, read by the public
    door."""

    partner = models.CharField(max_length=14, primary_key=True)
    name = models.CharField(max_length=120)
    plain_words = models.TextField()
    reviewed_on = models.DateField()

    PUBLIC: ClassVar = {"partner", "name", "plain_words", "reviewed_on"}
