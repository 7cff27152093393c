"""What a role may hold and how long it may take, tried as that role."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from cases.operations import grants, limits

pytestmark = pytest.mark.django_db(transaction=True)
TRIAL = (
    "holdfast_trial"  # roles belong to the whole cluster, which the parallel test processes share
)


def sign_in(role: str) -> psycopg.Connection:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER ROLE {role} PASSWORD 'test'")
    database = connection.settings_dict
    return psycopg.connect(
        host=database["HOST"], dbname=database["NAME"], user=role, password="test", autocommit=True
    )


def test_every_role_has_limits() -> None:
    assert set(limits.LIMITS) == set(grants.ROLES)
    # The embedded server, and PostgreSQL as it comes (100), keep some for the owner.
    assert sum(role.connections for role in limits.LIMITS.values()) <= 160


@pytest.mark.parametrize("role", limits.LIMITS)
def test_a_role_is_limited_as_the_table_says(role: str) -> None:
    wanted = limits.LIMITS[role]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", [role])
        assert cursor.fetchone() == (wanted.connections,)
    with sign_in(role) as session:
        for setting, seconds in (
            ("statement_timeout", wanted.statement),
            ("lock_timeout", wanted.lock),
            ("idle_in_transaction_session_timeout", wanted.idle),
        ):
            found = session.execute(
                "SELECT setting FROM pg_settings WHERE name = %s", [setting]
            ).fetchone()
            assert found == (str(seconds * 1000),)
        assert session.execute("SHOW temp_file_limit").fetchone() in (
            (f"{wanted.files}MB",),
            (f"{wanted.files // 1024}GB",),
        )
        for change in ("SET", "ALTER ROLE CURRENT_USER SET"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"{change} temp_file_limit = -1".encode())


class TestTrial:
    @pytest.fixture(autouse=True)
    def trial(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        short = limits.Limits(2, statement=1, lock=1, idle=1, transaction=None, files=1)
        monkeypatch.setattr(limits, "LIMITS", {TRIAL: short})
        monkeypatch.setattr(limits, "bound_transactions", lambda cursor: None)
        with connection.cursor() as cursor:
            with contextlib.suppress(Exception):
                cursor.execute(f"CREATE ROLE {TRIAL} LOGIN")
            cursor.execute("CREATE TABLE trial (id int)")
            cursor.execute(f"GRANT SELECT, UPDATE ON trial TO {TRIAL}")
            database = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"GRANT CONNECT ON DATABASE {database} TO {TRIAL}")
        limits.apply("default")
        yield
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE trial")

    def test_a_statement_that_goes_on_is_stopped(self) -> None:
        with sign_in(TRIAL) as session, pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(20)")

    def test_a_lock_of_somebody_else_is_not_waited_for_without_end(self) -> None:
        settings = connection.settings_dict
        owner = psycopg.connect(
            host=settings["HOST"],
            dbname=settings["NAME"],
            user=settings["USER"],
            password=settings["PASSWORD"],
        )
        with owner, sign_in(TRIAL) as session:
            owner.execute("LOCK TABLE trial IN ACCESS EXCLUSIVE MODE")
            with pytest.raises((psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)):
                session.execute("SELECT * FROM trial")

    def test_a_forgotten_transaction_is_ended(self) -> None:
        session = sign_in(TRIAL)
        session.autocommit = False
        session.execute("SELECT 1")
        time.sleep(2)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            session.execute("SELECT 1")

    def test_one_role_cannot_take_all_connections(self) -> None:
        with sign_in(TRIAL), sign_in(TRIAL), pytest.raises(psycopg.OperationalError):
            sign_in(TRIAL)

    def test_temporary_files_are_bounded(self) -> None:
        with sign_in(TRIAL) as session, pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("SELECT count(*) FROM generate_series(1, 500000)")

    @pytest.mark.parametrize("where", ["", "IN DATABASE {database}"])
    def test_what_a_role_changes_with_itself_is_forgotten(self, where: str) -> None:
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        change = f"ALTER ROLE CURRENT_USER {where.format(database=database)} SET"
        with sign_in(TRIAL) as session:
            session.execute(f"{change} search_path = pg_temp".encode())
            session.execute(f"{change} default_transaction_read_only = on".encode())
        limits.apply("default")
        with sign_in(TRIAL) as session:
            assert session.execute("SHOW search_path").fetchone() == ('"$user", public',)
            assert session.execute("SHOW transaction_read_only").fetchone() == ("off",)
