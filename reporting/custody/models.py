"""The ledger's tables. Written only by `custody_append` and the sequencer; README.md is the format."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reporting.vault.fields import SealedField


class CustodyEvent(models.Model):
    """One act. `canonical` holds the exact bytes that `leaf` hashes."""

    id = models.BigIntegerField(primary_key=True)
    subject = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=60)
    actor = models.CharField(max_length=60)
    door = models.CharField(max_length=20)
    at = models.DateTimeField()
    detail_hash = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    canonical = models.TextField()
    leaf = models.CharField(max_length=64)
    tree_index = models.BigIntegerField(null=True, unique=True)

    INTERNAL: ClassVar = {"subject", "seq", "event", "actor", "door", "at"}
    PUBLIC: ClassVar = {"id", "detail_hash", "previous", "canonical", "leaf", "tree_index"}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "seq"], name="custody_one_chain")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=models.Q(tree_index=None), name="custody_unsequenced"
            ),
            models.Index(fields=["actor", "at"], name="custody_actor_at"),
        ]


class CustodyHead(models.Model):
    """The end of each chain: what `custody_append` locks."""

    subject = models.CharField(max_length=40, primary_key=True)
    seq = models.BigIntegerField()
    leaf = models.CharField(max_length=64)
    at = models.DateTimeField()

    INTERNAL: ClassVar = {"subject", "seq", "leaf", "at"}


class CustodyDetail(models.Model):
    """What an event was about: `salt ‖ detail`, sealed to its subject's key and shreddable; in the clear for a founding event."""

    event = models.OneToOneField(
        CustodyEvent, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    founding = models.TextField(default="")
    sealed = SealedField(default=b"")

    PUBLIC: ClassVar = {"event", "founding"}


class CustodyOpening(models.Model):
    """An opening event that the opener has used; its second use is refused by the primary key."""

    event_id = models.BigIntegerField(primary_key=True)
    actor = models.CharField(max_length=60)
    at = models.DateTimeField(db_default=models.functions.Now())

    INTERNAL: ClassVar = {"event_id", "actor", "at"}

    class Meta:
        indexes: ClassVar = [models.Index(fields=["actor", "at"], name="custody_opening_actor")]


class Checkpoint(models.Model):
    """A signed checkpoint as published; the record that counts is `checkpoints.log`."""

    size = models.BigIntegerField(primary_key=True)
    note = models.TextField()
    at = models.DateTimeField()
    time_stamp = models.BinaryField(default=b"")

    PUBLIC: ClassVar = {"size", "note", "at", "time_stamp"}
