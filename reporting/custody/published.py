"""Checkpoints as outsiders may have them, and whether they keep up."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from reporting.custody.models import Checkpoint, CustodyEvent


def newest() -> str:
    """The note of the newest checkpoint, or an empty text before the first."""
    found = Checkpoint.objects.order_by("-size").first()
    return found.note if found else ""


def oldest_unsequenced() -> timedelta | None:
    """How long the oldest event without a place in the tree has waited; None when all have one."""
    at = (
        CustodyEvent.objects.filter(tree_index=None)
        .order_by("id")
        .values_list("at", flat=True)
        .first()
    )
    return timezone.now() - at if at else None
