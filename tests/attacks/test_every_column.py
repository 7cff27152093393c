"""The database's owner edits any column, or removes a row, of what a report, a case or a hand-over
holds: it is named. What is not stands here, with the reason; a new column must be decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from cases import records
from cases.casework import acts, examination, quarantine
from cases.models import QuarantineDecision
from cases.referrals import disclosure, handover
from cases.triage import queue
from reporting import evidence, messages, receipts
from reporting.actors import job
from reporting.models import EvidenceItem, Quarantine, Report
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]
_OFFICE = "the office's own: what is done with it is on record, the row is not"
_PASSING = "says nothing about a report, and lasts for minutes or days"

_NUMBER = "a number that nothing names"

NOT_BOUND = {
    "cases_assessment.id": _NUMBER,
    "cases_claim": _PASSING,
    "cases_partner": _OFFICE,
    "cases_quarantinedecision.id": _NUMBER,
    "cases_quarantinedecision.proposed_at": "the act has its own time",
    "cases_quarantinedecision.confirmed_at": "the act has its own time",
    "cases_referral.build_failed_at": "a sentence on the referral's page",
    "cases_referral.build_failure": "a sentence on the referral's page",
    "reporting_colleague": _OFFICE,
    "reporting_filegroup.at": "orders the groups on the reporter's own page",
    "reporting_officewrap.id": _NUMBER,
    "reporting_partneroffer": _OFFICE,
    "reporting_person.role": "read when something new is stored; answers and items name the person",
    "reporting_pulse": _PASSING,
    "reporting_quarantine.at": "orders the officer's list; the act has its own time",
    "reporting_receipt.proof": "whoever holds the receipt verifies it against the checkpoint",
    "reporting_report.news_at": "marks what the office has not read; the acts are on the timeline",
    "reporting_reportersession": _PASSING,
    "reporting_uploadreservation": _PASSING,
}


@pytest.fixture
def everything(office: Office, running_opener: None) -> None:
    """One of each thing, and a second report."""
    report = office.visit.report
    messages.write(office.visit, "hello")
    evidence.measure(report, by=job("measure"))
    acts.add_note(office.case, "a note", by=office.worker)
    _released(report, office)
    queue.assess(report)
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        disclosure.package(referral)
    referral.refresh_from_db()
    handover.collected(handover.by_code(referral, by=office.worker))
    factories.sequence()
    receipts.confirm()


def _released(report: Report, office: Office) -> None:
    link = EvidenceItem.objects.get(report=report, kind="link")
    officer = factories.staff("safeguarding")
    examination.may_show_a_child(report, link.pk, by=officer)
    decision = quarantine.propose(
        Quarantine.objects.get(pk=link.pk),
        QuarantineDecision.Choice.RELEASED,
        "an adult",
        by=officer,
    )
    quarantine.confirm(decision, by=office.supervisor)


def _models() -> list[type[models.Model]]:
    ours = (apps.get_app_config("reporting"), apps.get_app_config("cases"))
    found = [model for app in ours for model in app.get_models()]
    return [model for model in found if model._meta.db_table not in NOT_BOUND]


def _others(field: models.Field[Any, Any], value: Any) -> Iterator[Any]:
    """Values that the column could hold instead."""
    if isinstance(field, models.ForeignKey):
        target = field.target_field
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT "{target.column}" FROM {target.model._meta.db_table} '
                f'WHERE "{target.column}" IS DISTINCT FROM %s LIMIT 1',
                [value],
            )
            yield from (row[0] for row in cursor.fetchall())
        yield from _others(target, value)
    elif field.choices:
        yield from (key for key, _label in field.choices if key != value)
    elif isinstance(field, models.DateTimeField):
        yield value - timedelta(days=1) if isinstance(value, datetime) else timezone.now()
    elif isinstance(field, models.BooleanField):
        yield not value
    elif isinstance(field, models.IntegerField):
        yield (value or 0) + 1
    elif isinstance(field, models.BinaryField):
        yield bytes(value or b"") + b"x"
    elif isinstance(field, models.JSONField):
        yield json.dumps(["changed"])
    else:
        text = str(value or "")
        middle = len(text) // 2
        yield (
            text[:middle] + ("X" if text[middle : middle + 1] != "X" else "Y") + text[middle + 1 :]
        )


@contextmanager
def _undone(statement: str, *values: Any) -> Iterator[None]:
    """A statement of the owner with the triggers off, taken back at the end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        yield
        transaction.set_rollback(True)


def _is_named() -> bool:
    return next(records.faults(), None) is not None


def _unseen(model: type[models.Model]) -> Iterator[str]:
    """Columns of a table's last row whose edit nothing names, and the table where its loss is."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ctid::text, * FROM {table} ORDER BY ctid DESC LIMIT 1")
        names = [column.name for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
    for field in model._meta.concrete_fields:
        for other in _others(field, row[field.column]):
            edit = f'UPDATE {table} SET "{field.column}" = %s WHERE ctid = %s'
            try:
                with _undone(edit, other, row["ctid"]):
                    if not _is_named():
                        yield f"{table}.{field.column}"
                        break
            except DatabaseError:  # a constraint does not take it
                continue
    with _undone(f"DELETE FROM {table} WHERE ctid = %s", row["ctid"]):
        if not _is_named():
            yield table


def test_every_column_and_row_is_named_or_has_a_reason(everything: None) -> None:
    assert not _is_named()
    unseen = {name for model in _models() for name in _unseen(model)}
    assert unseen - set(NOT_BOUND) == set()
    assert {name for name in NOT_BOUND if "." in name} - unseen == set()


def test_every_reason_is_about_a_column_or_table_that_exists() -> None:
    known = set()
    for model in apps.get_models():
        table = model._meta.db_table
        known |= {table, *(f"{table}.{field.column}" for field in model._meta.concrete_fields)}
    assert set(NOT_BOUND) <= known


@pytest.mark.parametrize("body", ["[" * 3_000, "[]", "", '{"head": 1}'])
def test_a_receipt_of_any_text_is_named_and_stops_nothing(office: Office, body: str) -> None:
    with _undone("UPDATE reporting_receipt SET body = %s", body):
        assert [fault.id for fault in records.faults()] == [office.visit.report.pk]
