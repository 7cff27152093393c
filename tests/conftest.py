"""One temporary vault and one set of keys for the run; states are built by calling the real
functions."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cases.management.commands.opener import _Books
from cases.operations import ceremony
from config.doors import FILES
from reporting.custody import record
from reporting.vault import opener
from reporting.vault.keys import Secret

ALL = os.environ.get("HOLDFAST_ALL") == "1"
NOTHING_LEFT_OUT = os.environ.get("HOLDFAST_NOTHING_LEFT_OUT") == "1"


def count(full: int, slice_: int) -> int:
    """How often a counted check runs: in full under `./run test --all`, else a fixed slice."""
    return full if ALL else slice_


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> ceremony.Held:
    return ceremony.hold(tmp_path_factory.mktemp("ceremony") / "keys", operator="Test office")


@pytest.fixture(autouse=True)
def house(held: ceremony.Held, settings: Any, tmp_path: Path) -> None:
    """Every test gets its own vault, log and opener address, and the run's keys."""
    record.founding.cache_clear()
    for name, file in FILES.items():
        setattr(settings, name, held.folder / file.name)
    settings.VAULT_DIR = tmp_path / "vault"
    settings.CHECKPOINTS_LOG = tmp_path / "checkpoints.log"
    settings.OPENER_SOCKET = tmp_path / "opener"
    settings.FREE_SPACE_FLOOR_BYTES = 0
    settings.OPERATOR_NAME = "Test office"
    settings.OPERATOR_TOLD_WITHOUT_AGREEMENT = "If a life is in danger we tell the police."


@pytest.fixture
def running_opener(transactional_db: None, settings: Any) -> Iterator[None]:
    """A real opener on a real socket, in a thread of this process; it decides under its role."""
    path = settings.OPENER_SOCKET
    keys = [Secret(line) for line in settings.OFFICE_KEY_FILE.read_text().split()]
    threading.Thread(target=opener.serve, args=(path, _Books(), keys), daemon=True).start()
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    yield
    # The thread's connection would keep the test database from being dropped.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        what = marker.args[0]
        if not _there(what):
            if NOTHING_LEFT_OUT:
                pytest.fail(f"{what} is missing, and CI must leave nothing out")
            pytest.skip(f"not run: {what} is not on this machine")


def _there(what: str) -> bool:
    if what == "pango":
        return find_library("pango-1.0") is not None
    if what == "/proc":
        return Path("/proc/self/environ").exists()
    return shutil.which(what) is not None


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    left_out = {
        report.longrepr[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(left_out):
        terminalreporter.write_line(reason.removeprefix("Skipped: "))
