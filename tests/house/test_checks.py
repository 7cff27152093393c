"""Start-up checks: each refusal, provoked once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.backends.utils import CursorWrapper

from cases import certificates
from cases.operations import ceremony, server
from cases.previews import sandbox
from config import checks, doors, env
from reporting.vault import keys

UNSET = Path("/not-set/X")


@pytest.fixture
def door(settings: Any) -> Any:
    """Settings of a clean public door: no key but its own."""
    for name in doors.holders():
        setattr(settings, name, UNSET)
    settings.DOORS = frozenset({"public"})
    return settings


def _ids(found: list[Any]) -> set[str]:
    return {message.id for message in found}


def test_a_clean_door_starts(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(door.DATABASES["default"], "USER", "holdfast_public")
    assert checks.keys_lie_where_they_belong() == []
    assert checks.one_role_for_each_door() == []


@pytest.mark.parametrize(
    "name", [name for name, holders in doors.holders().items() if "public" not in holders]
)
def test_a_public_door_that_sees_a_key_of_others_does_not_start(
    door: Any, name: str, tmp_path: Path
) -> None:
    setattr(door, name, tmp_path / "key")
    assert _ids(checks.keys_lie_where_they_belong()) == {"holdfast.E001"}


def test_a_door_with_anothers_database_role_does_not_start(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(door.DATABASES["default"], "USER", "holdfast_staff")
    assert _ids(checks.one_role_for_each_door()) == {"holdfast.E002"}


@pytest.mark.django_db
def test_a_door_that_is_a_superuser_does_not_start(door: Any) -> None:
    assert _ids(checks.no_role_can_go_round_its_grants()) == {"holdfast.E003"}


@pytest.mark.django_db
def test_more_threads_than_the_role_may_hold_connections_is_said(door: Any) -> None:
    door.PROCESSES, door.DJANGO_THREADS = 64, 2
    assert checks.the_role_may_hold_all_connections() == []  # the owner has no limit
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION AUTHORIZATION holdfast_public")
        try:
            found = checks.the_role_may_hold_all_connections()
            door.PROCESSES = 4
            assert checks.the_role_may_hold_all_connections() == []
        finally:
            cursor.execute("RESET SESSION AUTHORIZATION")
    assert _ids(found) == {"holdfast.W004"}
    assert found[0].level < 40


@pytest.fixture
def as_public(db: None) -> Iterator[CursorWrapper]:
    """Rolled back. The bound of temporary files comes with a sign-in, which this is not."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL temp_file_limit = '32MB'")
        for name in _other_databases(cursor):
            cursor.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM holdfast_public')
        cursor.execute("SET SESSION AUTHORIZATION holdfast_public")
        yield cursor
        cursor.execute("RESET SESSION AUTHORIZATION")


def _other_databases(cursor: CursorWrapper) -> list[str]:
    """Of the parallel test processes."""
    cursor.execute(
        "SELECT datname FROM pg_database WHERE datallowconn AND datname <> current_database()"
        " AND has_database_privilege('holdfast_public', oid, 'CONNECT')"
    )
    return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("where", ["", "IN DATABASE postgres"])
def test_a_door_whose_role_was_changed_does_not_start(
    door: Any, as_public: CursorWrapper, where: str
) -> None:
    assert checks.the_role_has_the_settings_it_was_given() == []
    as_public.execute(f"ALTER ROLE CURRENT_USER {where} SET search_path = pg_temp")
    (found,) = checks.the_role_has_the_settings_it_was_given()
    assert found.id == "holdfast.E010"
    assert "search_path" in found.msg


def test_a_door_whose_role_forgot_a_limit_does_not_start(
    door: Any, as_public: CursorWrapper
) -> None:
    as_public.execute("ALTER ROLE CURRENT_USER SET lock_timeout = 0")
    assert _ids(checks.the_role_has_the_settings_it_was_given()) == {"holdfast.E010"}


# The tests of another process have a database of their own on the same server.
OTHERS = "its role may connect to another database of the server"


def _left_open() -> set[str]:
    """What each warning says is left open."""
    found = checks.the_role_can_use_up_nothing_of_all()
    assert {warning.id for warning in found} <= {"holdfast.W005"}
    said = {str(warning.msg).partition(": ")[2].partition(". ")[0] for warning in found}
    return {OTHERS if OTHERS in words else words for words in said}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC", "functions of the server"),
        ("GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC", "functions of the server"),
        ("GRANT CONNECT ON DATABASE template1 TO PUBLIC", "another database"),
        ("SET LOCAL temp_file_limit = -1", "temp_file_limit"),
        ("ALTER FUNCTION limits_end_overdue OWNER TO holdfast_worker", "owner of the database"),
    ],
)
def test_what_the_server_leaves_open_is_said(
    door: Any, as_public: CursorWrapper, change: str, says: str
) -> None:
    assert not _left_open() - {OTHERS}
    as_public.execute("RESET SESSION AUTHORIZATION")
    as_public.execute(change)
    as_public.execute("SET SESSION AUTHORIZATION holdfast_public")
    assert any(says in words for words in _left_open())
    assert len(_left_open() - {OTHERS}) == (says not in OTHERS)


@pytest.mark.parametrize("setting", server.AT_MOST)
def test_a_server_set_too_wide_is_said(
    door: Any, as_public: CursorWrapper, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setitem(server.AT_MOST, setting, -1)
    (found,) = _left_open() - {OTHERS}
    assert setting in found


def test_a_server_with_room_for_few_locks_is_said(
    door: Any, as_public: CursorWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOCKS_AT_LEAST", 10**9)
    (found,) = _left_open() - {OTHERS}
    assert "max_locks_per_transaction" in found


def test_a_missing_part_of_the_system_is_said_and_stops_nothing(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.DOORS = frozenset({"builder", "staff"})
    monkeypatch.setattr(checks, "find_library", lambda name: None)
    monkeypatch.setattr(sandbox, "available", lambda: False)
    found = checks.parts_of_the_system_are_there()
    assert _ids(found) == {"holdfast.W001", "holdfast.W002"}
    assert not any(message.is_serious() and message.level >= 40 for message in found)


@pytest.mark.parametrize(
    ("hours", "says"), [(30 * 24, None), (13 * 24, "runs out in 12 days"), (-0.05, "has run out")]
)
def test_a_certificate_that_runs_out_is_said_in_time_and_stops_nothing(
    door: Any,
    held: ceremony.Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    says: str | None,
) -> None:
    monkeypatch.setitem(
        certificates.KINDS,
        "receipt",
        replace(certificates.KINDS["receipt"], life=timedelta(hours=hours)),
    )
    certificates.CertificateAuthority.load(held.folder).issue(tmp_path, "receipt")
    door.RECEIPT_CERTIFICATE_FILE = tmp_path / "receipt.pem"
    door.PACKAGE_CERTIFICATE_FILE = door.TSA_CERTIFICATE_FILE = UNSET
    found = checks.certificates_last()
    assert [says in message.msg for message in found if says] == ([True] if says else [])
    assert len(found) == bool(says)
    assert not any(message.level >= 40 for message in found)


@pytest.mark.parametrize("process", ["opener", "sequencer"])
@pytest.mark.django_db
def test_a_process_that_a_command_starts_is_checked_too(process: str) -> None:
    database = connection.settings_dict
    role = f"{database['USER']}:{database['PASSWORD']}"
    environment = {
        "PATH": os.environ["PATH"],
        "DOORS": process,
        "LOCAL": "yes",
        "DATABASE_URL": f"postgresql://{role}@{quote(database['HOST'], safe='')}/postgres",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", process],
        cwd=Path(checks.__file__).parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "holdfast.E002" in done.stderr
    assert "holdfast.E003" in done.stderr


class TestARealOffice:
    """LOCAL is not set: nothing may be missing."""

    @pytest.fixture(autouse=True)
    def real(self, door: Any, tmp_path: Path) -> None:
        door.LOCAL = False
        door.OFFICE_PUBLIC_KEYS_FILE = tmp_path / "public_keys"
        self.two = [keys.public_key_of(keys.new_office_secret()) for _ in range(2)]
        door.OFFICE_PUBLIC_KEYS_FILE.write_text("\n".join(self.two))

    def test_complete(self) -> None:
        assert checks.the_office_is_complete() == []

    def test_one_public_key_is_too_few(self, door: Any) -> None:
        door.OFFICE_PUBLIC_KEYS_FILE.write_text(self.two[0])
        assert _ids(checks.the_office_is_complete()) == {"holdfast.E004"}

    def test_a_line_that_is_no_key_is_named(self, door: Any) -> None:
        door.OFFICE_PUBLIC_KEYS_FILE.write_text("\n".join([*self.two, "age1mistyped"]))
        (found,) = checks.the_office_is_complete()
        assert found.id == "holdfast.E004"
        assert "public_keys: " in found.msg

    def test_who_is_told_must_not_be_blank(self, door: Any) -> None:
        door.OPERATOR_TOLD_WITHOUT_AGREEMENT = ""
        assert _ids(checks.the_office_is_complete()) == {"holdfast.E005"}

    def test_the_office_has_a_name(self, door: Any) -> None:
        door.OPERATOR_NAME = ""
        assert _ids(checks.the_office_is_complete()) == {"holdfast.E006"}

    @pytest.mark.parametrize("secret", [None, "short"])
    def test_a_door_that_signs_has_a_long_secret(
        self, door: Any, tmp_path: Path, secret: str | None
    ) -> None:
        door.DOORS = frozenset({"staff"})
        if secret:
            door.SECRET_KEY_FILE = tmp_path / "secret"
            door.SECRET_KEY_FILE.write_text(secret)
        assert _ids(checks.the_office_is_complete()) == {"holdfast.E007"}

    def test_two_doors_share_no_process(self, door: Any) -> None:
        door.DOORS = frozenset({"public", "partner"})
        assert _ids(checks.the_office_is_complete()) == {"holdfast.E008"}


def test_only_the_door_that_signs_may_see_the_secret_it_signs_with(
    door: Any, tmp_path: Path
) -> None:
    for name in ("public", "partner", "worker"):
        door.DOORS = frozenset({name})
        door.SECRET_KEY_FILE = tmp_path / "secret"
        assert _ids(checks.keys_lie_where_they_belong()) == {"holdfast.E001"}


def test_two_doors_with_one_secret_file_sign_with_different_keys(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 60)
    keys = {env.signing_key(tmp_path / "secret", for_doors={name}) for name in doors.DOORS}
    assert len(keys) == len(doors.DOORS)
    assert all(len(key) > 50 for key in keys)


def test_without_a_secret_file_nothing_that_is_signed_outlives_the_process() -> None:
    assert env.signing_key(UNSET, for_doors={"public"}) != env.signing_key(
        UNSET, for_doors={"public"}
    )


def test_local_is_for_this_machine_only(door: Any) -> None:
    door.LOCAL = True
    assert checks.the_office_is_complete() == []
    door.OWN_ORIGINS = ["https://reports.example"]
    assert _ids(checks.the_office_is_complete()) == {"holdfast.E009"}


def test_a_process_without_a_database_is_given_none(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.DOORS = frozenset({"beat"})
    monkeypatch.setitem(door.DATABASES["default"], "USER", "holdfast_worker")
    assert _ids(checks.one_role_for_each_door()) == {"holdfast.E002"}
    monkeypatch.setitem(door.DATABASES["default"], "USER", "")
    assert checks.one_role_for_each_door() == []


def test_a_door_that_is_unknown_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORS", "pubic")
    with pytest.raises(ImproperlyConfigured, match="DOORS knows no pubic"):
        env.names("DOORS", "operator", allowed=doors.NAMES)


@pytest.mark.parametrize("value", ["6", "-1", "thirty", "7.5"])
def test_a_number_that_is_none_or_too_small_is_said_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("DRAFT_DAYS", value)
    with pytest.raises(
        ImproperlyConfigured, match="DRAFT_DAYS should be a whole number, 7 or more"
    ):
        env.integer("DRAFT_DAYS", 30, least=7)
