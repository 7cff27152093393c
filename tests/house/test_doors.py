"""One table of processes: what is generated from it is current, and nothing gives a process more
than its row."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from cases.operations import grants
from config import generate
from config.doors import DATABASE_ROLES, DOORS, FILES, Door
from config.local import office, postgres

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    text = generate.README.read_text()
    assert generate.with_tables(text) == text
    assert generate.with_tables(text.replace("| `public` |", "| `pubic` |")) == text


def test_every_role_of_a_process_is_granted_and_no_other_role_is_made() -> None:
    assert {f"holdfast_{role}" for role in DATABASE_ROLES} == set(grants.ROLES)


@pytest.mark.parametrize("door", DOORS.values(), ids=lambda door: door.name)
@pytest.mark.parametrize("hardened", [False, True])
def test_a_unit_gives_its_process_only_its_own_keys(door: Door, hardened: bool) -> None:
    unit = generate.unit(door, hardened=hardened)
    given = set(re.findall(r"LoadCredential=([^:]+):", unit))
    assert given == {FILES[setting].name for setting in door.files}
    assert f"User=holdfast-{door.name}\n" in unit
    assert ("NoNewPrivileges=yes" in unit) == hardened


@pytest.mark.needs("systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for door in DOORS.values():
        unit = generate.unit(door, hardened=True)
        # The program and the user of a real office are not here.
        unit = unit.replace("/opt/holdfast/.venv/bin/python", sys.executable)
        unit = re.sub(r"User=.*\n|WorkingDirectory=.*\n", "", unit)
        (tmp_path / f"holdfast-{door.name}.service").write_text(unit)
    for path in tmp_path.iterdir():
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        about_it = [line for line in done.stderr.splitlines() if path.name in line]
        assert about_it == []


class TestManage:
    """`./run manage` in a fresh copy of the house, with nothing set."""

    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Path:
        for name in ("config", "cases", "reporting", "templates"):
            shutil.copytree(
                ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "manage.py", tmp_path)
        return tmp_path

    def run(self, fresh: Path, *arguments: str, **settings: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=fresh,
            env={"PATH": os.environ["PATH"], **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def test_a_command_makes_no_office(self, fresh: Path) -> None:
        status, said = self.run(fresh, "add_person", "kim", "--role", "supervisor")
        assert status == 1
        assert "there is no office for this command" in said
        assert not (fresh / ".local").exists()

    @pytest.mark.parametrize("name", ["OFFICE_KEY_FILE", "DOORS", "VAULT_DIR"])
    def test_with_half_the_settings_of_a_real_office_nothing_is_guessed(
        self, fresh: Path, name: str
    ) -> None:
        (fresh / ".local/demo/keys").mkdir(parents=True)
        status, said = self.run(fresh, "verify_ledger", "--demo", **{name: "opener"})
        assert status == 1
        assert f"{name} is set, but DATABASE_URL is not" in said
        assert list((fresh / ".local/demo").iterdir()) == [fresh / ".local/demo/keys"]

    @pytest.mark.parametrize("command", [("help",), ("help", "ceremony"), ("--version",), ()])
    def test_what_needs_no_database_runs(self, fresh: Path, command: tuple[str, ...]) -> None:
        assert self.run(fresh, *command)[0] == 0
        assert not (fresh / ".local").exists()

    def test_a_ceremony_needs_no_office(self, fresh: Path) -> None:
        status, said = self.run(fresh, "ceremony", "--out", "keys", "--operator", "Office")
        assert status == 0, said
        assert {path.name for path in (fresh / "keys").iterdir()} >= {
            file.name for file in FILES.values()
        }
        assert not (fresh / ".local").exists()

    def test_asked_for_a_demo_it_makes_one_and_the_next_command_finds_it(self, fresh: Path) -> None:
        status, said = self.run(fresh, "add_person", "kim", "--role", "supervisor", "--demo")
        assert status == 0, said
        status, said = self.run(fresh, "verify_ledger")
        assert "on the demo in .local/demo" in said
        assert "there is no office" not in said


def test_where_the_local_group_is_not_installed_it_is_said_and_the_house_still_loads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    with pytest.raises(postgres.NotInstalled, match="uv sync --group local"):
        office.Office(tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/partner/", "/office/account/login/"])
def test_a_door_answers_to_its_own_names_only(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"host": "elsewhere.example"}).status_code == 400
