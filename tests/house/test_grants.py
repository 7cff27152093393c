"""What each database role cannot do, tried as that role; a new table is forbidden until granted."""

from __future__ import annotations

import hashlib
import itertools
import re

import psycopg
import pytest
from django.db import ProgrammingError, connection

from cases.operations import grants
from reporting import acts, intake, messages
from reporting.custody import openings
from reporting.models import Report
from tests import factories
from tests.house.never import NEVER, OFFICE_TABLES, SERVER

pytestmark = pytest.mark.django_db(transaction=True)

_STATEMENTS = {
    "SELECT": "SELECT {column} FROM {table} LIMIT 1",
    "INSERT": "INSERT INTO {table} ({column}) VALUES (DEFAULT)",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
_DOORS = [role.removeprefix("holdfast_") for role in grants.ROLES]


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _granted(table: str, door: str) -> dict[str, set[str] | None]:
    """Right → the columns it is limited to, or None for all."""
    rights: dict[str, set[str] | None] = {}
    for right in re.split(r", (?![^(]*\))", grants.TABLES.get(table, {}).get(door, "")):
        name, _, columns = right.partition(" (")
        if name:
            rights[name] = (
                {column.strip() for column in columns.rstrip(")").split(",")} if columns else None
            )
    return rights


def test_grants_name_only_tables_that_exist() -> None:
    assert set(grants.TABLES) <= set(grants.tables())


def test_everything_that_is_not_granted_is_refused(as_role: dict[str, psycopg.Connection]) -> None:
    tried = 0
    for table, door in itertools.product(grants.tables(), _DOORS):
        granted = _granted(table, door)
        for right, statement in _STATEMENTS.items():
            limited = granted.get(right, set())
            if right in granted and limited is None:
                continue
            columns = _columns(table) if right in {"SELECT", "INSERT", "UPDATE"} else [""]
            for column in columns:
                if limited and column in limited:
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    as_role[door].execute(
                        statement.format(table=table, column=f'"{column}"').encode()
                    )
                tried += 1
    assert tried > 3000


_APPEND = (
    "SELECT custody_append(%s, %s, %s, %s,"
    " decode(repeat('00', 32), 'hex'), decode(%s, 'hex'), %s, %s, NULL)"
)


def append(
    role: psycopg.Connection,
    event: str,
    actor: str,
    *,
    subject: str = "R-000000000000",
    about: str = "",
    founding: str = "",
    detail_hash: str = "00" * 32,
) -> None:
    """The whole call, as product code makes it."""
    values = [subject, event, actor, about or subject, detail_hash, b"sealed", founding]
    role.execute(_APPEND, values)


def found(role: psycopg.Connection, subject: str = "R-000000000000") -> None:
    keys = f'{"0" * 32}{{"public_key":"age1{"q" * 58}","signing_key":""}}'
    digest = hashlib.sha256(keys.encode()).hexdigest()
    event = {"R": "report:started", "C": "case:started"}[subject[0]]
    actor = {"R": "reporter", "C": "S-000000000000"}[subject[0]]
    append(role, event, actor, subject=subject, founding=keys, detail_hash=digest)


def test_the_sequencer_may_not_append_to_the_ledger(
    as_role: dict[str, psycopg.Connection],
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        found(as_role["sequencer"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role["sequencer"].execute("SELECT * FROM custody_founding('R-000000000000')")


def test_the_owner_may_not_append_either() -> None:
    """Whoever records is a door: the owner has no name in the record."""
    with pytest.raises(ProgrammingError, match="may not record"), connection.cursor() as cursor:
        cursor.execute(
            _APPEND,
            ["R-000000000000", "report:started", "reporter", "R-000000000000", "00" * 32, b"", "k"],
        )


def test_the_door_column_of_an_event_is_the_role_that_wrote_it(
    as_role: dict[str, psycopg.Connection],
) -> None:
    found(as_role["public"])
    found(as_role["staff"], "C-000000000000")
    with connection.cursor() as cursor:
        cursor.execute("SELECT door FROM custody_custodyevent ORDER BY id")
        assert cursor.fetchall() == [("public",), ("staff",)]


_ACTORS = {
    "public": "reporter",
    "partner": "P-000000000000",
    "staff": "S-000000000000",
    "worker": "job:assess",
}


@pytest.mark.parametrize("act", acts.ALL, ids=lambda act: act.name)
def test_an_act_is_recorded_by_the_doors_of_the_list_and_by_no_other(
    as_role: dict[str, psycopg.Connection], act: acts.Act
) -> None:
    """Every act at every door, with an actor that the door may have: refused or not, and never for
    another reason."""
    assert act.doors
    for door, actor in _ACTORS.items():
        with as_role[door].transaction(force_rollback=True):
            if door in act.doors:
                if not act.name.endswith(":started"):
                    append_after_founding(as_role[door], act.name, actor)
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not record"):
                append(as_role[door], act.name, actor)


def append_after_founding(role: psycopg.Connection, event: str, actor: str) -> None:
    """On a chain that the owner found by hand; a deferred check may refuse it later, its rights do
    not."""
    with pytest.raises(psycopg.errors.CheckViolation, match="malformed"):  # no first event yet
        append(role, event, actor)


@pytest.mark.parametrize(
    ("door", "subject", "event", "actor"),
    [
        ("public", "R-000000000000", "answer:saved", "S-000000000000"),
        ("public", "R-000000000000", "answer:saved", "job:assess"),
        ("public", "C-000000000000", "answer:saved", "reporter"),
        ("public", "C-000000000000", "evidence:quarantined", "reporter"),
        ("public", "R-000000000000", "report:opened", "reporter"),
        ("public", "R-000000000000", "report:accepted", "reporter"),
        ("partner", "C-000000000000", "referral:approved", "P-000000000000"),
        ("partner", "C-000000000000", "package:collected", "S-000000000000"),
        ("partner", "C-000000000000", "package:collected", "P-POLICE"),
        ("staff", "R-000000000000", "report:opened", "reporter"),
        ("staff", "R-000000000000", "report:opened", "job:assess"),
        ("staff", "R-000000000000", "answer:saved", "S-000000000000"),
        ("staff", "R-000000000000", "report:assessed", "S-000000000000"),
        ("staff", "R-000000000000", "wrap:renewed", "S-000000000000"),
        ("worker", "R-000000000000", "report:assessed", "S-000000000000"),
        ("worker", "R-000000000000", "report:assessed", "reporter"),
        ("worker", "R-000000000000", "report:assessed", "job:"),
        ("worker", "R-000000000000", "report:opened", "job:assess"),
        ("worker", "R-000000000000", "consent:answered", "job:assess"),
        ("opener", "R-000000000000", "report:started", "reporter"),
        ("opener", "R-000000000000", "report:opened", "S-000000000000"),
        ("opener", "R-000000000000", "key:given", "S-000000000000"),
        ("opener", openings.CHAIN, "report:opened", "S-000000000000"),
        ("opener", openings.CHAIN, "key:given", "reporter"),
        ("opener", "O-111111111111", "key:given", "S-000000000000"),
        ("staff", openings.CHAIN, "report:opened", "S-000000000000"),
        ("staff", openings.CHAIN, "key:given", "S-000000000000"),
        ("worker", openings.CHAIN, "report:assessed", "job:assess"),
    ],
)
def test_each_role_records_only_acts_of_its_own_users(
    as_role: dict[str, psycopg.Connection], door: str, subject: str, event: str, actor: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not record"):
        append(as_role[door], event, actor, subject=subject)


@pytest.mark.parametrize(
    ("actor", "about", "detail_hash", "founding"),
    [
        ("reporter", "R-0", "00" * 32, ""),  # no id
        ("reporter", "", "00", ""),  # no SHA-256
        ("reporter", "", "00" * 32, "second keys"),  # founded twice
    ],
)
def test_a_malformed_event_is_refused(
    as_role: dict[str, psycopg.Connection], actor: str, about: str, detail_hash: str, founding: str
) -> None:
    found(as_role["public"])
    with pytest.raises(psycopg.errors.CheckViolation, match="malformed"):
        append(
            as_role["public"],
            "report:opened_by_reporter",
            actor,
            about=about,
            detail_hash=detail_hash,
            founding=founding,
        )


@pytest.mark.parametrize("event", ["report:started", "looks:shown"])
@pytest.mark.parametrize("founding", ["", "keys", '{"public_key":"age1","signing_key":""}'])
def test_a_chain_begins_with_its_keys(
    as_role: dict[str, psycopg.Connection], event: str, founding: str
) -> None:
    digest = hashlib.sha256(founding.encode()).hexdigest()
    with pytest.raises(psycopg.errors.CheckViolation, match="malformed"):
        append(as_role["public"], event, "reporter", founding=founding, detail_hash=digest)


def test_an_act_that_stores_is_about_a_thing_of_its_own(
    as_role: dict[str, psycopg.Connection],
) -> None:
    """At commit, only acts about a thing of their own are asked whether it is stored."""
    found(as_role["public"])
    with pytest.raises(psycopg.errors.CheckViolation, match="malformed"):
        append(as_role["public"], "answer:saved", "reporter")


@pytest.mark.parametrize("door", NEVER)
def test_what_no_grant_may_allow(as_role: dict[str, psycopg.Connection], door: str) -> None:
    forbidden = [*NEVER[door], *SERVER]
    if door in {"public", "partner"}:
        office = [table for table in grants.tables() if table.startswith(OFFICE_TABLES)]
        assert len(office) > 15
        forbidden += [f"SELECT count(*) FROM {table}" for table in office]
        forbidden += [f"INSERT INTO {table} DEFAULT VALUES" for table in office]
    for statement in forbidden:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role[door].execute(statement.encode())


@pytest.mark.parametrize("door", ["public", "partner", "opener"])
@pytest.mark.parametrize("mode", ["ACCESS EXCLUSIVE", "SHARE", "SHARE UPDATE EXCLUSIVE"])
def test_no_table_is_locked_by_a_door(
    as_role: dict[str, psycopg.Connection], door: str, mode: str
) -> None:
    """Rows are, and who holds them for long is ended: tests/attacks/test_held_locks.py."""
    for table in grants.tables():
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            as_role[door].transaction(force_rollback=True),
        ):
            as_role[door].execute(f"LOCK TABLE {table} IN {mode} MODE".encode())


@pytest.mark.parametrize("role", grants.ROLES)
@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_a_role_enters_no_other_database(
    as_role: dict[str, psycopg.Connection], role: str, database: str
) -> None:
    """Whoever is in template1 stops the making of databases; in both, they could fill the disk."""
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(
            host=connection.settings_dict["HOST"], dbname=database, user=role, password="test"
        )


class TestPublicDoorAfterSending:
    """A captured public process cannot change what was received, not even what a grant lets it
    write."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE reporting_report SET state = 'withdrawn'",
            "UPDATE reporting_report SET state = 'draft'",
            "UPDATE reporting_report SET state = 'accepted'",
            "INSERT INTO reporting_receipt (report_id, body, signature, certificate, proof)"
            " SELECT id, '', '', '', '' FROM reporting_report",
        ],
    )
    def test_nothing_received_is_moved(
        self, as_role: dict[str, psycopg.Connection], statement: str
    ) -> None:
        factories.sent()
        with pytest.raises(psycopg.errors.RestrictViolation):
            as_role["public"].execute(statement.encode())

    def test_a_draft_is_not_sent_without_the_act(
        self, as_role: dict[str, psycopg.Connection]
    ) -> None:
        factories.draft()
        with pytest.raises(psycopg.errors.CheckViolation, match="report_sent_once"):
            as_role["public"].execute("UPDATE reporting_report SET state = 'received'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role["public"].execute("UPDATE reporting_report SET submitted_at = now()")

    def test_the_office_key_is_wrapped_only_for_a_draft(
        self, as_role: dict[str, psycopg.Connection]
    ) -> None:
        visit = factories.sent()
        with pytest.raises(psycopg.errors.RestrictViolation):
            as_role["public"].execute(
                "SELECT reporting_wrap_for_office(%s, ARRAY['x'], ARRAY['x'::bytea])",
                [visit.report.pk],
            )

    @pytest.mark.parametrize("state", ["quarantined", "released"])
    def test_nothing_is_quarantined_or_released_without_an_act(
        self, as_role: dict[str, psycopg.Connection], state: str
    ) -> None:
        """Finding 22: it may close every file of the office, and each one is on record."""
        visit = factories.draft()
        item = factories.file(visit)
        intake.submit(visit)
        with pytest.raises(psycopg.Error, match=r"not on record|decision of two people"):
            as_role["public"].execute(
                "INSERT INTO reporting_quarantine (thing, report_id, state) VALUES (%s, %s, %s)",
                [item.pk, visit.report.pk, state],
            )

    def test_what_it_adds_is_news_by_the_database_and_it_cannot_unmark_it(
        self, as_role: dict[str, psycopg.Connection]
    ) -> None:
        visit = factories.sent()
        messages.write(visit, "He is here.")
        assert Report.objects.get(pk=visit.report.pk).news_at is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role["public"].execute("UPDATE reporting_report SET news_at = NULL")
