"""The acts of some subjects in order, as the case page shows them: the clear part of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reporting.custody.models import CustodyEvent

LIMIT = 300


@dataclass(frozen=True)
class Act:
    subject: str
    seq: int
    event: str
    actor: str
    at: datetime


def of(subjects: Sequence[str]) -> list[Act]:
    """Newest first, at most LIMIT."""
    rows = CustodyEvent.objects.filter(subject__in=subjects).order_by("-at", "-id")[:LIMIT]
    return [Act(row.subject, row.seq, row.event, row.actor, row.at) for row in rows]
