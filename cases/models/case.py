"""Assessments, cases and their notes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from cases.staff.models import StaffMember
from reporting import ids
from reporting.models import Report
from reporting.vault.fields import SealedField


def case_id() -> str:
    return ids.new("C")


def note_id() -> str:
    return ids.new("T")


class Assessment(models.Model):
    """The urgency of a report: a band with its reasons, from the rules or from a person.

    Earlier ones are kept; one is `current`, and the report's newest act about its band records it
    (`cases.triage.assessments`). `reasons` is a list of {rule, band, reason}. Why a
    person changed the band lies in the detail of that act.
    `actionability` runs from 0 to 100.
    """

    class Band(models.IntegerChoices):
        P0 = 0, "P0 · danger now"
        P1 = 1, "P1 · today"
        P2 = 2, "P2 · this week"
        P3 = 3, "P3 · on record"

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="assessments")
    band = models.SmallIntegerField(choices=Band.choices)
    reasons = models.JSONField(default=list)
    actionability = models.SmallIntegerField()
    by = models.CharField(max_length=60)
    at = models.DateTimeField()  # of the act that recorded it
    current = models.BooleanField(default=True)

    INTERNAL: ClassVar = {"id", "report", "band", "reasons", "actionability", "by", "at", "current"}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["report"], condition=models.Q(current=True), name="assessment_one_current"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["band", "at"], condition=models.Q(current=True), name="assessment_queue"
            )
        ]


class Case(models.Model):
    class State(models.TextChoices):
        NEW = "new"
        ASSESSMENT = "assessment"
        PLANNING = "planning"
        ACTION = "action"
        FOLLOW_UP = "follow_up"
        CLOSED = "closed"
        REOPENED = "reopened"

    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.NEW: frozenset({State.ASSESSMENT}),
        State.ASSESSMENT: frozenset({State.PLANNING}),
        State.PLANNING: frozenset({State.ACTION}),
        State.ACTION: frozenset({State.FOLLOW_UP}),
        State.FOLLOW_UP: frozenset({State.CLOSED, State.ACTION}),
        State.CLOSED: frozenset({State.REOPENED}),
        State.REOPENED: frozenset({State.ASSESSMENT}),
    }

    id = models.CharField(primary_key=True, max_length=14, default=case_id)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    opened_at = models.DateTimeField(db_default=Now())
    assigned_to = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, null=True, related_name="cases"
    )

    INTERNAL: ClassVar = {"id", "state", "opened_at", "assigned_to"}


class CaseReport(models.Model):
    """A report belongs to one case at most."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="case_reports")
    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="case_report")
    at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {"id", "case", "report", "at"}


class Note(models.Model):
    """A caseworker's note, sealed to the case's key."""

    id = models.CharField(primary_key=True, max_length=14, default=note_id)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(StaffMember, on_delete=models.PROTECT)
    sealed = SealedField()
    at = models.DateTimeField()  # of the act that added it

    INTERNAL: ClassVar = {"id", "case", "author", "at"}
