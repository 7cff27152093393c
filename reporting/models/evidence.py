"""What the reporter gave: files behind the age question, links, accounts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from reporting import ids
from reporting.models.people import Person
from reporting.models.report import Report
from reporting.vault.fields import SealedField


class FileGroup(models.Model):
    """Files for which the age question is asked and answered together; each answer is an `Answer`
    of this group."""

    id = models.CharField(primary_key=True, max_length=14, default=ids.file_group)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="file_groups")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="file_groups")
    at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {"id", "report", "person", "at"}


class EvidenceItem(models.Model):
    class Kind(models.TextChoices):
        FILE = "file"
        LINK = "link"
        ACCOUNT = "account"

    class State(models.TextChoices):
        KEPT = "kept"
        VERIFIED = "verified"
        INTEGRITY_FAILED = "integrity_failed"

    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.KEPT: frozenset({State.VERIFIED, State.INTEGRITY_FAILED}),
        State.VERIFIED: frozenset({State.INTEGRITY_FAILED}),
        State.INTEGRITY_FAILED: frozenset(),
    }

    id = models.CharField(primary_key=True, max_length=14, default=ids.evidence_item)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="items")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="items")
    group = models.ForeignKey(FileGroup, on_delete=models.PROTECT, related_name="items", null=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.KEPT)
    acquisition = SealedField()  # the sealed detail of the act `evidence:acquired`, byte for byte
    vault_name = models.CharField(max_length=40, default="")
    ciphertext_size = models.BigIntegerField(default=0)
    ciphertext_sha256 = models.CharField(max_length=64, default="")
    at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {
        "id",
        "report",
        "person",
        "group",
        "kind",
        "state",
        "vault_name",
        "ciphertext_size",
        "at",
    }
    PUBLIC: ClassVar = {"ciphertext_sha256"}

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["report"],
                condition=models.Q(kind="file", state="kept"),
                name="item_to_verify",
            ),
        ]


class UploadReservation(models.Model):
    """Bytes that a running upload has declared; see reporting.reservations. It names its report
    without a foreign key, so that one left behind keeps no draft from being forgotten."""

    report_id = models.CharField(max_length=14, db_index=True)
    bytes = models.BigIntegerField()
    until = models.DateTimeField()

    INTERNAL: ClassVar = {"id", "report_id", "bytes", "until"}
