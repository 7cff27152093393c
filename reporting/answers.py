"""Answers: saving one, and reading what was given. Every version stays, with its time and the
wording that was shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from django.db import connection, transaction

from reporting import age_gate, budgets, on_record, people, questions, signed
from reporting.actors import REPORTER
from reporting.models import Answer, FileGroup
from reporting.on_record import Entry
from reporting.records import AnswerRecord, UnknownRecord
from reporting.sessions import Visit
from reporting.vault import reader
from reporting.vault.fields import seal_bytes
from reporting.vault.keys import Secret, WrongKey


class CannotTakeOut(Exception):
    """It was sent, is quarantined, or decides whether files may be taken: it stays."""


@dataclass(frozen=True)
class Given:
    """One version of an answer. `record` is None, with a `fault`, where it is not as recorded or
    cannot be read.

    `key` and `group` are those of its act, so that a row that is gone or moved still counts as an
    answer to its question; `key` is empty where neither act nor row can tell.
    """

    id: str
    key: str
    record: AnswerRecord | None
    at: datetime | None
    group: str | None
    fault: str

    @property
    def value(self) -> Any:
        return self.record.value if self.record else None


def read(entries: Iterable[Entry[Answer]], secret: Secret) -> list[Given]:
    """Every version of every answer, oldest first; what is not as recorded stays in the list,
    unread."""
    return [_given(entry, secret) for entry in entries]


def of_visit(visit: Visit) -> list[Given]:
    """What the reporter who is here has given, checked against the ledger."""
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True, only=Answer)
    return read(known.answers, visit.secret)


def given_last(visit: Visit, key: str) -> Any:
    """The value given last to a question, or None. Nothing is opened when none was given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM public.reporting_answer WHERE report_id = %s AND question = %s LIMIT 1",
            [visit.report.pk, key],
        )
        if cursor.fetchone() is None:
            return None
    return latest(of_visit(visit)).get(key)


def latest(given: Iterable[Given], *, since: datetime | None = None) -> dict[str, Any]:
    """Question key → the value given last; with `since`, only of what was given from then on. Not
    the files' ages."""
    return {
        answer.key: answer.value
        for answer in given
        if answer.record
        and answer.group is None
        and (since is None or (answer.at and answer.at >= since))
    }


def save(
    visit: Visit, question: questions.Question, value: Any, *, group: FileGroup | None = None
) -> None:
    """Keep one answer beside the earlier ones. The caller holds the report's lock.

    An answer by which a child may be shown quarantines every file of the report, or of the group,
    in the same transaction. Raises budgets.TooMuch, embedded.FileInText; nothing is kept then.
    """
    record = AnswerRecord(
        value=value,
        wording=str(question.text),
        choices=tuple((choice.value, str(choice.label)) for choice in question.choices),
        language=visit.report.language,
        typed_by=REPORTER,
    )
    plain = rfc8785.dumps(record.to_record())
    budgets.check_text(visit.report, len(plain))
    sealed = seal_bytes(plain, visit.public_key)
    answer = Answer(
        report=visit.report,
        person=people.harmed(visit.report),
        group=group,
        question=question.key,
        sealed=sealed,
    )
    recorded = signed.record_signed(
        visit,
        "answer:saved",
        detail={"answer": answer.pk, "question": question.key, "group": group.pk if group else ""},
        about=answer.pk,
        about_sha256=bytes.fromhex(on_record.stored_sha256(answer)),
        sha256=hashlib.sha256(plain).hexdigest(),
    )
    answer.at = recorded.at
    _insert(answer)
    age_gate.close_if_a_child_may_be_shown(visit, question.key, value, group)


def _insert(answer: Answer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.reporting_answer "
            "(id, report_id, person_id, group_id, question, sealed, at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                answer.pk,
                answer.report_id,
                answer.person_id,
                answer.group_id,
                answer.question,
                answer.sealed,
                answer.at,
            ],
        )


def take_out(visit: Visit, answer_id: str) -> None:
    """Before sending, an answer is the reporter's to take out. Raises CannotTakeOut."""
    with transaction.atomic():
        visit.report.hold()
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, answer_id])
            if cursor.fetchone()[0] is None:
                raise CannotTakeOut("this answer can no longer be taken out")
        signed.record_signed(
            visit, "answer:taken_out", detail={"answer": answer_id}, about=answer_id
        )


def _given(entry: Entry[Answer], secret: Secret) -> Given:
    row, record, fault = entry.row, None, entry.fault
    if row and not fault:
        try:
            plain = reader.open_bytes(row.sealed, secret)
            if hashlib.sha256(plain).hexdigest() != entry.detail.get("sha256"):
                fault = on_record.OTHER_BYTES
            else:
                record = AnswerRecord.from_record(reader.record_of(plain))
        except (WrongKey, UnknownRecord, ValueError):
            fault = on_record.NOT_READABLE
    written = (row.question, row.group_id or None) if row else ("", None)
    recorded = (str(entry.detail.get("question", "")), entry.detail.get("group") or None)
    if record and written != recorded:
        record, fault = None, on_record.OTHER_BYTES
    key, group = recorded if recorded[0] else written
    return Given(entry.id, key, record, entry.at, group, fault)
