"""Our SQL functions: bound to our tables whatever a caller creates, and nobody may create."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from cases.operations import grants
from reporting.models import Report
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
_DOORS = [role.removeprefix("holdfast_") for role in grants.ROLES]
# A word after these is a table, or a function where a bracket follows; names of our own row sources
# are not qualified.
_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TRUNCATE|TABLE)\s+(?:ONLY\s+)?(?!NOWAIT\b|OF\b|SKIP\b)"
    r"([a-z_][a-z_0-9.]*)\b(?!\s*\()",
    re.IGNORECASE,
)


def _functions() -> list[tuple[str, bool, bool, list[str], str]]:
    """(name, security definer, BEGIN ATOMIC or RETURN, settings, arguments and body) of every
    function that is ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, p.prosecdef, p.prosqlbody IS NOT NULL, coalesce(p.proconfig, '{}'),"
            " pg_get_function_arguments(p.oid) || ' ' || p.prosrc"
            " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname = 'public'"
        )
        functions: list[tuple[str, bool, bool, list[str], str]] = cursor.fetchall()
    return functions


def unqualified(body: str) -> list[str]:
    """Tables that a body names without their schema. Comments, variables of a record and CTEs are
    no tables."""
    code = re.sub(r"--[^\n]*", "", body)
    own = set(re.findall(r"\b(\w+)\s+(?:record|text|bigint|boolean|timestamptz|interval)\b", code))
    own |= set(re.findall(r"(?:WITH|,)\s+(\w+)\s+AS\s*\(", code))
    own |= set(re.findall(r"AS\s+(\w+)\s*\(", code))
    named = [match[1] for match in _TABLE.finditer(re.sub(r"'(?:[^']|'')*'", "''", code))]
    plain = {"set", "strict", "found"}
    return [
        name
        for name in named
        if not name.startswith("public.") and name not in own and name.lower() not in plain
    ]


def test_every_function_is_bound_to_our_tables() -> None:
    functions = _functions()
    assert len(functions) > 25
    definers = 0
    for name, definer, bound, settings, body in functions:
        if bound:
            continue
        path = [setting for setting in settings if setting.startswith("search_path=")]
        assert path == ["search_path=pg_catalog, pg_temp"], name
        assert unqualified(body) == [], name
        definers += definer
    assert definers > 10


def test_every_function_of_our_sql_files_is_there() -> None:
    """Nothing that was renamed stays behind in a database, and nothing is left out of the check
    above."""
    files = [file for app in ("reporting", "cases") for file in (ROOT / app).rglob("*.sql")]
    assert len(files) > 3
    text = "".join(file.read_text() for file in files)
    written = set(re.findall(r"CREATE OR REPLACE FUNCTION\s+public\.(\w+)", text))
    assert len(written) > 20
    asks = {"door_may", "is_about", "keeps", "opens", "told_to_reporter"}
    generated = {f"custody_{ask}" for ask in asks} | {"limits_end_overdue"}
    assert {name for name, *_rest in _functions()} == written | generated


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("BEGIN DELETE FROM reporting_answer; END", ["reporting_answer"]),
        ("BEGIN UPDATE reporting_report SET state = 'x'; END", ["reporting_report"]),
        ("SELECT 1 FROM public.a JOIN b ON true", ["b"]),
        ("INSERT INTO c VALUES (1)", ["c"]),
        ("SELECT 1 FROM public.a x FOR UPDATE", []),
        ("PERFORM FROM public.a; -- FROM elsewhere", []),
        ("SELECT * FROM unnest(p_ids)", []),
    ],
)
def test_the_check_finds_a_table_without_its_schema(body: str, found: list[str]) -> None:
    assert unqualified(body) == found


@pytest.mark.parametrize("door", _DOORS)
def test_nobody_creates_anything(as_role: dict[str, psycopg.Connection], door: str) -> None:
    """A temporary table would stand before ours wherever a name has no schema."""
    for statement in (
        "CREATE TEMP TABLE custody_custodyhead (subject text, seq bigint, at timestamptz)",
        "CREATE TEMP VIEW reporting_report AS SELECT 'draft' AS state",
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql RETURN 1",
        "ALTER TABLE public.custody_custodyevent DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET SESSION AUTHORIZATION holdfast_staff",
        "SET ROLE holdfast_staff",
    ):
        if statement.endswith(f"holdfast_{door}"):
            continue
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role[door].execute(statement.encode())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_database_privilege(%s, current_database(), 'TEMPORARY'),"
            " has_database_privilege('public', current_database(), 'TEMPORARY')",
            [f"holdfast_{door}"],
        )
        assert cursor.fetchone() == (False, False)


def test_even_with_temporary_tables_ours_are_meant() -> None:
    """The second wall: were the right given back, a caller's tables would still not stand in for
    ours."""
    visit = factories.sent()
    with connection.cursor() as cursor:
        cursor.execute(
            "GRANT TEMPORARY ON DATABASE "
            + connection.settings_dict["NAME"]
            + " TO holdfast_public"
        )
        cursor.execute("SET SESSION AUTHORIZATION holdfast_public")
        try:
            cursor.execute(
                "CREATE TEMP TABLE reporting_report AS SELECT %s AS id, 'draft' AS state",
                [visit.report.pk],
            )
            cursor.execute(
                "SELECT public.reporting_take_out(%s, a.id) FROM public.reporting_answer a",
                [visit.report.pk],
            )
            assert {vault_name for (vault_name,) in cursor.fetchall()} == {None}
        finally:
            cursor.execute("RESET SESSION AUTHORIZATION")
            cursor.execute("DROP TABLE IF EXISTS pg_temp.reporting_report")
            cursor.execute(
                "REVOKE TEMPORARY ON DATABASE "
                + connection.settings_dict["NAME"]
                + " FROM holdfast_public"
            )
    assert Report.objects.get(pk=visit.report.pk).answers.count() == len(factories.ADULT_EXTORTION)
