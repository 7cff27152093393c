"""Who is in a report, and what was answered about whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reporting import ids
from reporting.models.report import Report
from reporting.vault.fields import SealedField


class Person(models.Model):
    class Role(models.TextChoices):
        HARMED = "harmed"
        HELPER = "helper"
        SUSPECTED = "suspected"
        WITNESS = "witness"

    id = models.CharField(primary_key=True, max_length=14, default=ids.person)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="people")
    role = models.CharField(max_length=10, choices=Role.choices)

    INTERNAL: ClassVar = {"id", "report", "role"}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["report", "role"], name="person_one_of_each_role")
        ]


class Answer(models.Model):
    """One answer with the wording and the choices that were shown. Every version stays, with its
    time.

    `group`: the files that an answer to the age question for files is about.
    """

    id = models.CharField(primary_key=True, max_length=14, default=ids.answer)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="answers")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="answers")
    group = models.ForeignKey(
        "reporting.FileGroup", on_delete=models.PROTECT, related_name="answers", null=True
    )
    question = models.CharField(max_length=30)
    sealed = SealedField()
    at = models.DateTimeField()  # of the act that saved it

    INTERNAL: ClassVar = {"id", "report", "person", "group", "question", "at"}

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["report", "question", "-at"], name="answer_latest")
        ]


class Incident(models.Model):
    """One harm within a report. `reported_type` never changes; what staff think of it stands in
    Assessment."""

    id = models.CharField(primary_key=True, max_length=14, default=ids.incident)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="incidents")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="incidents")
    reported_type = models.CharField(max_length=30)

    INTERNAL: ClassVar = {"id", "report", "person", "reported_type"}
