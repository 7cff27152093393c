"""Connections of the database roles, as a captured door would have them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import InternalError, connection

from cases.operations import grants


@pytest.fixture
def as_role() -> Iterator[dict[str, psycopg.Connection]]:
    """A connection signed in as each role (not SET ROLE: what counts is the session's user)."""
    database, connections = connection.settings_dict, {}
    for role in grants.ROLES:
        _give_password(role)
    for door in [role.removeprefix("holdfast_") for role in grants.ROLES]:
        connections[door] = psycopg.connect(
            host=database["HOST"],
            dbname=database["NAME"],
            user=f"holdfast_{door}",
            password="test",
            autocommit=True,
        )
    yield connections
    for opened in connections.values():
        opened.close()


def _give_password(role: str) -> None:
    """Retried: roles belong to the cluster, and a parallel test process may alter the same one."""
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER ROLE {role} PASSWORD 'test'")
            return
        except InternalError:
            continue
