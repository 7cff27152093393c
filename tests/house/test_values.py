"""What a door may write is bounded by the database: times, ids, choices, sizes, of every model."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from cases.operations import grants, values
from cases.operations.acting import acting_as
from reporting import stored
from reporting.custody.record import start_chain
from reporting.models import Person
from reporting.vault import keys
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def _written() -> list[tuple[str, models.Field[Any, Any]]]:
    """(table, column) of ours that a door may write, of the kinds that are bounded."""
    return [
        (model._meta.db_table, field)
        for model in apps.get_models()
        if model._meta.app_label in {"reporting", "custody", "cases", "staff"}
        for field in model._meta.concrete_fields
        if any(
            "INSERT" in right or "UPDATE" in right
            for right in grants.TABLES.get(model._meta.db_table, {}).values()
        )
        and (
            isinstance(field, models.DateField)
            or field.choices
            or (isinstance(field, models.CharField) and field.max_length == 14)
        )
    ]


def test_every_time_id_and_choice_that_a_door_writes_has_its_check() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text, attname FROM pg_constraint "
            "JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) "
            "WHERE contype = 'c' AND conname LIKE 'value\\_%'"
        )
        checked = set(cursor.fetchall())
    written = {(table, field.column) for table, field in _written()}
    assert written - checked == set()
    assert len(written) > 60


def test_applied_twice_the_checks_are_the_same() -> None:
    before = _checks()
    values.apply("default")
    assert _checks() == before


def _checks() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid, conname FROM pg_constraint WHERE conname LIKE 'value\\_%'")
        return sorted(cursor.fetchall())


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_no_time_is_stored_that_python_cannot_read(moment: str) -> None:
    factories.draft()
    for statement in (
        "UPDATE reporting_reportersession SET used_at = %s",
        "INSERT INTO reporting_uploadreservation (report_id, bytes, until)"
        " SELECT id, 1, %s FROM reporting_report",
    ):
        with acting_as("public"), connection.cursor() as cursor:
            with pytest.raises(IntegrityError, match="value_"):
                cursor.execute(statement, [moment])
            cursor.execute(statement, ["2026-11-25"])


def test_when_a_report_was_sent_is_not_the_public_doors_to_say() -> None:
    factories.sent()
    with (
        acting_as("public"),
        pytest.raises(DatabaseError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE reporting_report SET submitted_at = '2030-01-01'")


@pytest.mark.parametrize("role", ["zzz", "harmed", ""])
def test_a_report_has_one_person_of_each_role_and_no_other(role: str) -> None:
    visit = factories.sent()
    with acting_as("public"), pytest.raises(IntegrityError):
        Person.objects.create(report=visit.report, role=role)


_DRAFT = {
    "id": "R-0F0F0F0F0F0F",
    "language": "en",
    "state": "draft",
    "submitted_at": None,
    "started_at": "2026-11-20",
    "news_at": None,
}


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"id": "a/b"},
        {"id": ""},
        {"language": "en\n"},
        {"started_at": "infinity"},
        {"news_at": "2026-11-20"},
        {"state": "received", "submitted_at": "2026-11-20"},
        {"state": "accepted", "submitted_at": "2020-11-20"},
    ],
    ids=str,
)
def test_no_report_begins_otherwise_than_by_its_act(columns: dict[str, str]) -> None:
    """Not without the act, and with the act not in another state than draft."""
    row = _DRAFT | columns
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    insert = f"INSERT INTO reporting_report ({names}) VALUES ({marks})"
    with acting_as("public"), connection.cursor() as cursor:
        with pytest.raises(DatabaseError):
            cursor.execute(insert, list(row.values()))
        if columns:
            with pytest.raises(DatabaseError):
                _with_its_act(insert, row)
        else:
            _with_its_act(insert, row)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reporting_report")
        assert cursor.fetchone() == (0 if columns else 1,)


def _with_its_act(insert: str, row: dict[str, str | None]) -> None:
    report = str(row["id"])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(insert, list(row.values()))
        start_chain(
            report,
            public_key=keys.public_key_of(keys.new_secret()),
            signing_key=b"k" * 32,
            actor="reporter",
            about_sha256=stored.report_sha256(report),
        )
