"""The report, the wraps of its key, and the sessions in which it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.functions import Now

from reporting import ids
from reporting.vault.fields import SealedField


class Report(models.Model):
    """One account of harm. Only what a list may show stands here in the clear."""

    class State(models.TextChoices):
        DRAFT = "draft"
        RECEIVED = "received"
        IN_TRIAGE = "in_triage"
        ACCEPTED = "accepted"
        JOINED = "joined"
        NEEDS_ANSWER = "needs_answer"
        OUT_OF_SCOPE = "out_of_scope"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        ERASED = "erased"
        NOT_SENT = "not_sent"  # marked as sent, and not by its reporter

    GONE: ClassVar = frozenset(
        {State.DRAFT, State.NOT_SENT, State.WITHDRAWN, State.ERASED}
    )  # not for the office to see

    # States are a table; pictures are drawn from it.
    NEXT: ClassVar[dict[str, frozenset[str]]] = {
        State.DRAFT: frozenset({State.RECEIVED, State.ERASED}),
        State.RECEIVED: frozenset({State.IN_TRIAGE, State.WITHDRAWN, State.NOT_SENT}),
        State.IN_TRIAGE: frozenset(
            {
                State.ACCEPTED,
                State.JOINED,
                State.NEEDS_ANSWER,
                State.OUT_OF_SCOPE,
                State.DECLINED,
                State.WITHDRAWN,
            }
        ),
        State.NEEDS_ANSWER: frozenset({State.IN_TRIAGE, State.WITHDRAWN}),
        State.ACCEPTED: frozenset({State.WITHDRAWN}),
        State.JOINED: frozenset({State.WITHDRAWN}),
        State.OUT_OF_SCOPE: frozenset({State.ACCEPTED, State.JOINED, State.WITHDRAWN}),
        State.DECLINED: frozenset({State.ACCEPTED, State.JOINED, State.WITHDRAWN}),
        State.WITHDRAWN: frozenset({State.ERASED}),
        State.ERASED: frozenset(),
        State.NOT_SENT: frozenset(),
    }

    id = models.CharField(primary_key=True, max_length=14, default=ids.report)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    language = models.CharField(max_length=10, default="en")
    started_at = models.DateTimeField(db_default=Now())
    submitted_at = models.DateTimeField(null=True)
    news_at = models.DateTimeField(
        null=True
    )  # something was added that the office has not read yet

    INTERNAL: ClassVar = {"id", "state", "language", "started_at", "submitted_at", "news_at"}

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Report:
        """From a statement of ours that reads the columns in the order of the fields above."""
        return cls.from_db(DEFAULT_DB_ALIAS, [field.attname for field in cls._meta.fields], row)

    def hold(self) -> str:
        """Nobody else changes the report until the caller's transaction ends. Returns its state as
        it is now."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state FROM public.reporting_report WHERE id = %s FOR UPDATE", [self.pk]
            )
            state: str = cursor.fetchone()[0]
        return state

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["submitted_at"],
                condition=models.Q(state__in=["received", "in_triage"]),
                name="report_waiting",
            ),
            models.Index(
                fields=["started_at"], condition=models.Q(state="draft"), name="report_drafts"
            ),
            models.Index(fields=["news_at"], condition=~models.Q(news_at=None), name="report_news"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "erased"], submitted_at=None)
                | ~models.Q(state="draft") & ~models.Q(submitted_at=None),
                name="report_sent_once",
            )
        ]


class ReturnCodeWrap(models.Model):
    """The report key, wrapped for the return code; found by a keyed hash of the code's lookup
    value."""

    lookup = models.CharField(primary_key=True, max_length=64)
    report = models.OneToOneField(Report, on_delete=models.PROTECT)
    wrapped = SealedField()

    INTERNAL: ClassVar = {"lookup", "report"}


class OfficeWrap(models.Model):
    """A report's or case's key, wrapped for one of the office's public keys. Made at submit, never
    before.

    `key_id`: the first 16 hexadecimal characters of SHA-256 of the public key's text.
    """

    subject = models.CharField(max_length=14, db_index=True)
    key_id = models.CharField(max_length=16)
    wrapped = SealedField()

    INTERNAL: ClassVar = {"subject"}
    PUBLIC: ClassVar = {"id", "key_id"}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "key_id"], name="office_wrap_once")
        ]


class Pulse(models.Model):
    """When something last worked, written by the office and read by the public door's monitor
    page."""

    WRAP_OPENED: ClassVar = "a new report's wrap was opened by the office"

    name = models.CharField(primary_key=True, max_length=60)
    at = models.DateTimeField()

    PUBLIC: ClassVar = {"name", "at"}


class ReporterSession(models.Model):
    """An open form or portal. The cookie's token is not here: only its SHA-256, and the keys sealed
    under it."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    report = models.ForeignKey(Report, on_delete=models.PROTECT)
    keys = SealedField()
    started_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(db_default=Now())

    INTERNAL: ClassVar = {"token_hash", "report", "started_at", "used_at"}
