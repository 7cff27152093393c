"""The ledger's tables. Written only by `custody_append` and the sequencer; README.md is the
format."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reporting.vault.fields import SealedField


class CustodyEvent(models.Model):
    """One act. `canonical` holds the exact bytes that `leaf` hashes. README.md gives the format of
    each column."""

    id = models.BigIntegerField(primary_key=True)
    subject = models.CharField(max_length=14)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=60)
    object = models.CharField(max_length=14)
    object_sha256 = models.CharField(max_length=64)
    actor = models.CharField(max_length=60)
    door = models.CharField(max_length=20)
    at = models.DateTimeField()
    detail_hash = models.CharField(max_length=64)
    detail_sealed_sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    canonical = models.TextField()
    leaf = models.CharField(max_length=64)

    INTERNAL: ClassVar = {"subject", "seq", "event", "object", "actor", "door", "at"}
    PUBLIC: ClassVar = {
        "id",
        "object_sha256",
        "detail_hash",
        "detail_sealed_sha256",
        "previous",
        "canonical",
        "leaf",
    }

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "seq"], name="custody_one_chain"),
            # An opening act is good for one key.
            models.UniqueConstraint(
                fields=["object_sha256"],
                condition=models.Q(event="key:given"),
                name="custody_one_key",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["object"],
                condition=~models.Q(object=models.F("subject")),
                name="custody_by_object",
            ),
            # What the opener counts for its caps.
            models.Index(
                fields=["actor", "at"],
                condition=models.Q(event="key:given"),
                name="custody_keys_given",
            ),
        ]


class CustodyHead(models.Model):
    """The end of each chain: the row that `custody_append` locks."""

    subject = models.CharField(max_length=14, primary_key=True)
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    INTERNAL: ClassVar = {"subject", "seq", "at"}


class CustodyDetail(models.Model):
    """What an event was about: `salt ‖ detail`, sealed to its subject's key and shreddable.

    `founding`: the public keys of a subject's first event, in the clear.
    """

    event = models.OneToOneField(
        CustodyEvent, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    founding = models.TextField(default="")
    sealed = SealedField(default=b"")

    PUBLIC: ClassVar = {"event", "founding"}


class WaitingEvent(models.Model):
    """An event that has no place in the tree yet; the sequencer takes it out as it places it."""

    event_id = models.BigIntegerField(primary_key=True)
    leaf = models.BinaryField()

    PUBLIC: ClassVar = {"event_id", "leaf"}


class Place(models.Model):
    """The place of an event in the tree. Never changed."""

    tree_index = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)

    PUBLIC: ClassVar = {"tree_index", "event_id"}


class Tile(models.Model):
    """A C2SP tlog-tile: up to 256 hashes of one level, 32 bytes each, written in the commit that
    places their events."""

    level = models.SmallIntegerField()
    n = models.BigIntegerField()
    width = models.SmallIntegerField()
    hashes = models.BinaryField()
    pk = models.CompositePrimaryKey("level", "n")

    PUBLIC: ClassVar = {"level", "n", "width", "hashes"}


class Checkpoint(models.Model):
    """A signed checkpoint as published; the record that counts is `checkpoints.log`."""

    size = models.BigIntegerField(primary_key=True)
    note = models.TextField()
    at = models.DateTimeField()
    time_stamp = models.BinaryField(default=b"")
    outside_time_stamp = models.BinaryField(default=b"")

    PUBLIC: ClassVar = {"size", "note", "at", "time_stamp", "outside_time_stamp"}
