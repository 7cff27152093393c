"""How long a database role may take and how many connections it may hold; applied after every
migration.

They keep one page, one task or one forgotten transaction from stopping the others. A role may
change its own times for a session, so against a captured door only the number of connections
counts, and that everybody else waits with a limit of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections


@dataclass(frozen=True)
class Limits:
    """Times in seconds. `idle`: inside a transaction, with nothing being asked."""

    connections: int
    statement: int
    lock: int
    idle: int


# Threads of all processes of the role's doors, and room for a restart beside them.
LIMITS = {
    "holdfast_public": Limits(connections=60, statement=10, lock=5, idle=15),
    "holdfast_partner": Limits(connections=20, statement=10, lock=5, idle=15),
    "holdfast_staff": Limits(connections=40, statement=30, lock=5, idle=30),
    # A package of many gigabytes is built between two statements; the nightly re-hash reads every
    # item.
    "holdfast_worker": Limits(connections=20, statement=300, lock=30, idle=3600),
    "holdfast_opener": Limits(connections=5, statement=5, lock=2, idle=5),
    "holdfast_sequencer": Limits(connections=5, statement=60, lock=30, idle=60),
}


def apply(using: str) -> None:
    with connections[using].cursor() as cursor:
        for role, limits in LIMITS.items():
            cursor.execute(f"ALTER ROLE {role} CONNECTION LIMIT {limits.connections}")
            for setting, seconds in (
                ("statement_timeout", limits.statement),
                ("lock_timeout", limits.lock),
                ("idle_in_transaction_session_timeout", limits.idle),
            ):
                cursor.execute(f"ALTER ROLE {role} SET {setting} = '{seconds}s'")
