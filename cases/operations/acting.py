"""Acting as a door from a command or test: under its database role, so that its rights and the
ledger's `door` are the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection


class CannotAct(Exception):
    """The command's database role may not become another one: it needs the database's owner as a
    superuser."""


@contextmanager
def acting_as(door: str) -> Iterator[None]:
    """SET SESSION AUTHORIZATION to the door's role, and back to what it was. Raises CannotAct."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        (before,) = cursor.fetchone()
        try:
            cursor.execute(f"SET SESSION AUTHORIZATION holdfast_{door}")
        except DatabaseError as error:
            raise CannotAct(
                f"this command must run as a database superuser to act as the {door} door ({error})"
            ) from None
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'SET SESSION AUTHORIZATION "{before}"')
