"""What is closed to everybody because it may show a child."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from reporting.models.report import Report


class Quarantine(models.Model):
    """One thing of a report, of any kind: a file, link, account, answer or message. `thing` is its
    id.

    The row and the act about the thing are stored together; only a decision of two people moves it
    on.
    """

    class State(models.TextChoices):
        CLOSED = "quarantined"
        DESTROYED = "destroyed"
        PRESERVED = "preserved"
        RELEASED = "released"

    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.CLOSED: frozenset({State.DESTROYED, State.PRESERVED, State.RELEASED}),
        State.RELEASED: frozenset({State.CLOSED}),
        State.DESTROYED: frozenset(),
        State.PRESERVED: frozenset(),
    }

    thing = models.CharField(primary_key=True, max_length=14)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="quarantines")
    state = models.CharField(max_length=12, choices=State.choices, default=State.CLOSED)
    at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {"thing", "report", "state", "at"}

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["at"], condition=models.Q(state="quarantined"), name="quarantine_waiting"
            )
        ]
