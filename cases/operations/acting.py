"""Playing a door's part from a command: its database role, so that its rights and the ledger's `door` column are the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection


class CannotAct(Exception):
    """The command's database role may not become another one: it needs the database's owner as a superuser."""


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SET SESSION AUTHORIZATION holdfast_{name}")
        except DatabaseError as error:
            raise CannotAct(
                f"this command must run as a database superuser to act as the {name} door ({error})"
            ) from None
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET SESSION AUTHORIZATION")
