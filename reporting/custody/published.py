"""Checkpoints as outsiders may have them, and whether they keep up.

A row of the checkpoint table counts only with the signature of the log's key: whoever has the
sequencer's database role without its key can write rows, and nobody is given one.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connection

from reporting.custody import checkpoints
from reporting.custody.checkpoints import NotACheckpoint, SignedCheckpoint
from reporting.custody.models import Checkpoint

SEQUENCED_WITHIN = timedelta(seconds=5)


def newest() -> SignedCheckpoint | None:
    """The newest signed checkpoint, or None before the first."""
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    for row in Checkpoint.objects.order_by("-size").only("size", "note").iterator(chunk_size=50):
        try:
            return _signed(row, key)
        except NotACheckpoint:
            continue
    return None


def of_size(size: int) -> SignedCheckpoint | None:
    """The signed checkpoint of one size, or None when there is none."""
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    row = Checkpoint.objects.filter(size=size).only("size", "note").first()
    try:
        return _signed(row, key) if row else None
    except NotACheckpoint:
        return None


def verifier_key() -> str:
    """The log's public key as C2SP tools take it."""
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    return checkpoints.verifier_key(settings.LEDGER_ORIGIN, key)


def oldest_unsequenced() -> timedelta | None:
    """How long the oldest event without a place in the tree has waited; None when all have one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() - event.at FROM public.custody_custodyevent event "
            "WHERE event.id = (SELECT min(event_id) FROM public.custody_waitingevent)"
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _signed(row: Checkpoint, key: Ed25519PublicKey) -> SignedCheckpoint:
    checkpoint = checkpoints.read(row.note, key)
    if checkpoint.size != row.size:
        raise NotACheckpoint("filed under another size")
    return checkpoint
