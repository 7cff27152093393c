"""What each database role cannot do, tried as that role. Generated from the models: a new table is forbidden until it is granted."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import psycopg
import pytest
from django.db import InternalError, connection

from cases.operations import grants
from reporting import intake
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

_STATEMENTS = {
    "SELECT": "SELECT {column} FROM {table} LIMIT 1",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
_DOORS = [role.removeprefix("holdfast_") for role in grants.ROLES]


@pytest.fixture
def as_role() -> Iterator[dict[str, psycopg.Connection]]:
    """A connection signed in as each role (not SET ROLE: what counts is the session's user)."""
    database, visit = connection.settings_dict, {}
    for role in grants.ROLES:
        _give_password(role)
    for door in _DOORS:
        visit[door] = psycopg.connect(
            host=database["HOST"],
            dbname=database["NAME"],
            user=f"holdfast_{door}",
            password="test",
            autocommit=True,
        )
    yield visit
    for one in visit.values():
        one.close()


def _give_password(role: str) -> None:
    """Roles belong to the whole cluster, which the parallel test processes share: the other one may be doing the same."""
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER ROLE {role} PASSWORD 'test'")
            return
        except InternalError:
            continue


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _granted(table: str, door: str) -> dict[str, set[str] | None]:
    """Right → the columns it is limited to, or None for all."""
    found: dict[str, set[str] | None] = {}
    for right in re.split(r", (?![^(]*\))", grants.TABLES.get(table, {}).get(door, "")):
        name, _, columns = right.partition(" (")
        if name:
            found[name] = (
                {one.strip() for one in columns.rstrip(")").split(",")} if columns else None
            )
    return found


def test_every_table_has_a_row_of_its_own_or_is_forbidden() -> None:
    assert set(grants.TABLES) <= set(grants.tables())


def test_everything_that_is_not_granted_is_refused(as_role: dict[str, psycopg.Connection]) -> None:
    tried = 0
    for table, door in itertools.product(grants.tables(), _DOORS):
        granted = _granted(table, door)
        for right, statement in _STATEMENTS.items():
            limited = granted.get(right, set())
            if right in granted and limited is None:
                continue
            columns = _columns(table) if right in {"SELECT", "UPDATE"} else [""]
            for column in columns:
                if limited and column in limited:
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    as_role[door].execute(
                        statement.format(table=table, column=f'"{column}"').encode()
                    )
                tried += 1
    assert tried > 1000


def test_no_role_but_the_doors_may_append_to_the_ledger(
    as_role: dict[str, psycopg.Connection],
) -> None:
    for door in ("opener", "sequencer"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role[door].execute(
                "SELECT custody_append('R-000000000000', 'a:b', 'x', repeat('0', 64))"
            )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role["sequencer"].execute("SELECT * FROM custody_founding('R-000000000000')")


def test_the_door_of_an_event_is_the_role_that_wrote_it(
    as_role: dict[str, psycopg.Connection],
) -> None:
    as_role["public"].execute(
        "SELECT custody_append('R-000000000000', 'answer:saved', 'reporter', repeat('0', 64))"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT door FROM custody_custodyevent WHERE subject = 'R-000000000000'")
        assert cursor.fetchall() == [("public",)]


@pytest.mark.parametrize(
    ("door", "subject", "event", "actor"),
    [
        ("public", "R-000000000000", "answer:saved", "S-SOMEBODY"),
        ("public", "C-000000000000", "answer:saved", "reporter"),
        ("public", "R-000000000000", "report:opened", "reporter"),
        ("public", "R-000000000000", "report:accepted", "reporter"),
        ("partner", "R-000000000000", "package:collected", "P-POLICE"),
        ("partner", "C-000000000000", "referral:approved", "P-POLICE"),
        ("partner", "C-000000000000", "package:collected", "S-SOMEBODY"),
    ],
)
def test_a_door_to_the_internet_records_only_the_acts_of_those_it_serves(
    as_role: dict[str, psycopg.Connection], door: str, subject: str, event: str, actor: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not record"):
        as_role[door].execute(
            "SELECT custody_append(%s, %s, %s, repeat('0', 64))", [subject, event, actor]
        )


def test_the_promise_itself_whatever_the_table_of_grants_says(
    as_role: dict[str, psycopg.Connection],
) -> None:
    """Written out by hand: a grant too many would otherwise excuse itself."""
    office = [
        table
        for table in grants.tables()
        if table.startswith(("cases_", "staff_", "mfa_", "account_", "auth_"))
    ]
    assert len(office) > 15
    forbidden = [
        f"SELECT count(*) FROM {table}"
        for table in [*office, "custody_custodyevent", "custody_custodydetail"]
    ]
    forbidden += [f"INSERT INTO {table} DEFAULT VALUES" for table in office]
    forbidden += ["DELETE FROM reporting_returncodewrap", "DELETE FROM reporting_officewrap", "UPDATE reporting_officewrap SET wrapped = ''",
                  "UPDATE reporting_returncodewrap SET wrapped = ''", "SELECT wrapped FROM reporting_officewrap",
                  "DELETE FROM reporting_consent", "UPDATE reporting_consent SET answer = 'yes'", "DELETE FROM reporting_report"]  # fmt: skip
    for statement in forbidden:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role["public"].execute(statement.encode())
    for statement in (
        "SELECT count(*) FROM reporting_report",
        "SELECT count(*) FROM custody_custodyevent",
        "DELETE FROM cases_package",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role["partner"].execute(statement.encode())
    for statement in (
        "DELETE FROM cases_note",
        "DELETE FROM reporting_evidenceitem",
        "UPDATE custody_custodyevent SET actor = 'x'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role["staff"].execute(statement.encode())


class TestPublicDoorAfterSending:
    """What was received stays, whoever takes the public door over."""

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM reporting_answer",
            "DELETE FROM reporting_evidenceitem",
            "UPDATE reporting_evidenceitem SET state = 'verified'",
            "UPDATE reporting_report SET state = 'withdrawn'",
            "UPDATE reporting_report SET submitted_at = now()",
            "UPDATE reporting_report SET news_at = NULL",
            "UPDATE reporting_report SET news_at = now(), submitted_at = now()",
        ],
    )
    def test_nothing_received_is_changed(
        self, as_role: dict[str, psycopg.Connection], statement: str
    ) -> None:
        visit = factories.draft()
        factories.file(visit)
        intake.submit(visit)
        with pytest.raises(psycopg.errors.RestrictViolation):
            as_role["public"].execute(statement.encode())

    def test_it_can_say_that_there_is_news(self, as_role: dict[str, psycopg.Connection]) -> None:
        factories.sent()
        as_role["public"].execute("UPDATE reporting_report SET news_at = now()")

    def test_it_cannot_speak_for_the_office(self, as_role: dict[str, psycopg.Connection]) -> None:
        visit = factories.sent()
        with pytest.raises(psycopg.errors.RestrictViolation):
            as_role["public"].execute(
                "INSERT INTO reporting_message (id, report_id, from_office, sealed) VALUES ('M-1', %s, true, '')",
                [visit.report.pk],
            )

    def test_it_can_lock_an_item_and_never_unlock_it(
        self, as_role: dict[str, psycopg.Connection]
    ) -> None:
        visit = factories.draft()
        factories.file(visit)
        intake.submit(visit)
        as_role["public"].execute("UPDATE reporting_evidenceitem SET state = 'quarantined'")
        for statement in (
            b"UPDATE reporting_evidenceitem SET state = 'kept'",
            b"DELETE FROM reporting_evidenceitem",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation):
                as_role["public"].execute(statement)

    def test_a_draft_is_hers_to_change(self, as_role: dict[str, psycopg.Connection]) -> None:
        factories.draft()
        as_role["public"].execute("DELETE FROM reporting_answer")
