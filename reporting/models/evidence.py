"""What she gave: files behind the age question, links, accounts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from reporting import ids
from reporting.models.people import Person
from reporting.models.report import Report
from reporting.vault.fields import SealedField


class FileGroup(models.Model):
    """Files for which the age question was asked and answered together. The answer itself is sealed, and bytes are taken only
    while it is yes."""

    id = models.CharField(primary_key=True, max_length=14, default=ids.file_group)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="file_groups")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="file_groups")
    shown_adult = SealedField()
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
        QUARANTINED = "quarantined"
        DESTROYED = "destroyed"
        PRESERVED = "preserved"
        RELEASED = "released"

    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.KEPT: frozenset({State.VERIFIED, State.INTEGRITY_FAILED, State.QUARANTINED}),
        State.VERIFIED: frozenset({State.INTEGRITY_FAILED, State.QUARANTINED}),
        State.INTEGRITY_FAILED: frozenset({State.QUARANTINED}),
        State.QUARANTINED: frozenset({State.DESTROYED, State.PRESERVED, State.RELEASED}),
        State.RELEASED: frozenset({State.VERIFIED, State.INTEGRITY_FAILED, State.QUARANTINED}),
        State.DESTROYED: frozenset(),
        State.PRESERVED: frozenset(),
    }
    OPENABLE: ClassVar = frozenset({State.KEPT, State.VERIFIED, State.RELEASED})

    id = models.CharField(primary_key=True, max_length=14, default=ids.evidence_item)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="items")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="items")
    group = models.ForeignKey(FileGroup, on_delete=models.PROTECT, related_name="items", null=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.KEPT)
    acquisition = SealedField()
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
            models.Index(
                fields=["at"], condition=models.Q(state="quarantined"), name="item_quarantined"
            ),
        ]
