"""The connection to the database between two requests."""

from __future__ import annotations

import psycopg
import pytest
from django.db import close_old_connections, connection

pytestmark = pytest.mark.django_db(transaction=True)


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid


def test_a_request_reuses_the_connection_of_the_last_one() -> None:
    before = _backend()
    close_old_connections()
    assert _backend() == before


def test_a_request_after_the_server_ended_the_connection_gets_another_one() -> None:
    before = _backend()
    with psycopg.connect(**connection.get_connection_params()) as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    close_old_connections()
    assert _backend() != before
