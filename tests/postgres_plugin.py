"""Starts one PostgreSQL for the whole run, before Django's settings load; xdist's workers get
its address from the controller."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from config.local.postgres import Postgres

_running: list[Any] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    if "PYTEST_XDIST_WORKER" not in os.environ and "DATABASE_URL" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="holdfast-test-")
        postgres = Postgres(Path(folder.name), durable=False)
        _running[:] = [postgres, folder]
        os.environ["DATABASE_URL"] = postgres.owner_url()
        os.environ["DOORS"] = "public,upload,partner,staff,worker,operator"
        os.environ["LOCAL"] = "yes"
    yield


def pytest_unconfigure() -> None:
    if _running:
        postgres, folder = _running
        _running.clear()
        postgres.stop()
        folder.cleanup()


def pytest_configure() -> None:
    """Between tests every table is emptied; the ledger refuses that, so its triggers are off for
    that one statement."""
    from django.core.management.commands import flush as flush_command
    from django.db.backends.postgresql.operations import DatabaseOperations

    from config.celery import app
    from tests import roles

    app.conf.update(task_always_eager=True, task_eager_propagates=True)

    flush = DatabaseOperations.execute_sql_flush

    def past_the_triggers(self: DatabaseOperations, sql_list: Any) -> None:
        flush(
            self,
            [
                "SET session_replication_role = replica",
                *sql_list,
                "SET session_replication_role = origin",
            ],
        )

    DatabaseOperations.execute_sql_flush = past_the_triggers  # type: ignore[method-assign, assignment]
    # The tables stay, and with them our SQL and the grants: nothing to apply again after each test.
    vars(flush_command)["emit_post_migrate_signal"] = lambda *args, **options: None
    roles.install()
