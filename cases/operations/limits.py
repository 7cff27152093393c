"""How long a database role may take and how much it may hold; applied after every migration.

They keep one page, one task or one forgotten transaction from stopping the others. A role may
change its own times for a session. So against a captured door count only its connections, its
temporary files, and that the sequencer's process ends whatever holds locks for too long
(`end_overdue`) before those who wait for them give up.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.db import Error, connection, connections, transaction
from django.db.backends.utils import CursorWrapper

log = logging.getLogger("holdfast.limits")


@dataclass(frozen=True)
class Limits:
    """Times in seconds. `idle`: inside a transaction, with nothing being asked. `transaction`: from
    its first statement on; None where a long one is the role's work. `files`: temporary files of
    one session, in MB."""

    connections: int
    statement: int
    lock: int
    idle: int
    transaction: int | None
    files: int

    def settings(self) -> dict[str, str]:
        """As PostgreSQL keeps them with the role."""
        return {
            "statement_timeout": f"{self.statement}s",
            "lock_timeout": f"{self.lock}s",
            "idle_in_transaction_session_timeout": f"{self.idle}s",
            "temp_file_limit": f"{self.files}MB",
        }


# Connections: threads of all processes of the role's doors, and room for a restart beside them.
# Locks are given in the order in which they were asked for: whoever is before the staff in a queue
# began before them, and is ended before they stop waiting.
LIMITS = {
    "holdfast_public": Limits(60, statement=10, lock=5, idle=15, transaction=20, files=32),
    "holdfast_partner": Limits(20, statement=10, lock=5, idle=15, transaction=20, files=32),
    "holdfast_staff": Limits(40, statement=30, lock=25, idle=30, transaction=60, files=256),
    # A package of many gigabytes is built between two statements; the nightly re-hash reads every
    # item.
    "holdfast_worker": Limits(20, statement=300, lock=30, idle=3600, transaction=None, files=1024),
    "holdfast_opener": Limits(5, statement=5, lock=2, idle=5, transaction=10, files=32),
    "holdfast_sequencer": Limits(5, statement=60, lock=30, idle=60, transaction=None, files=256),
}
LOCKS = 1_000  # of one transaction; the doors' own hold fewer than a hundred
LOOKS_EVERY = 0.2  # seconds; one session takes some 15,000 locks a second

# Reads no table, so that it needs no place in a lock table that is full. The roles are those of the
# sign-in, as numbers.
_END_OVERDUE = """
CREATE OR REPLACE FUNCTION public.limits_end_overdue() RETURNS SETOF text
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    WITH overdue AS MATERIALIZED (  -- else a session is ended before it is asked whose it is
        SELECT session.pid, bound.role
        FROM pg_catalog.pg_stat_get_activity(NULL) session
        JOIN (VALUES {bounds}) bound (id, role, seconds) ON bound.id = session.usesysid
        LEFT JOIN (SELECT pid, count(*) AS locks FROM pg_catalog.pg_lock_status() GROUP BY pid) held
            ON held.pid = session.pid
        WHERE session.datid = (SELECT datid FROM pg_catalog.pg_stat_get_activity(pg_backend_pid()))
            AND (held.locks > {locks} OR
                session.xact_start < clock_timestamp() - make_interval(secs => bound.seconds)))
    SELECT role FROM overdue WHERE pg_terminate_backend(pid);
END;
REVOKE ALL ON FUNCTION public.limits_end_overdue FROM PUBLIC;
"""


def apply(using: str) -> None:
    """All or nothing: no door signs in while they are half set."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _forget_settings(cursor)
        cursor.execute("SELECT has_parameter_privilege('temp_file_limit', 'SET')")
        (bounds_files,) = cursor.fetchone()
        for role, limits in LIMITS.items():
            cursor.execute(f"ALTER ROLE {role} CONNECTION LIMIT {limits.connections}")
            for setting, value in limits.settings().items():
                if setting != "temp_file_limit" or bounds_files:
                    cursor.execute(f"ALTER ROLE {role} SET {setting} = '{value}'")
        bound_transactions(cursor)


def _forget_settings(cursor: CursorWrapper) -> None:
    """A role may keep settings with itself, for one database or all, and they outlast whoever had
    taken it over."""
    cursor.execute(
        "SELECT quote_ident(rolname), quote_ident(datname) FROM pg_catalog.pg_db_role_setting"
        " JOIN pg_catalog.pg_roles role ON role.oid = setrole"
        " LEFT JOIN pg_catalog.pg_database stored ON stored.oid = setdatabase"
        " WHERE rolname = ANY (%s)",
        [list(LIMITS)],
    )
    for role, database in cursor.fetchall():
        where = f"IN DATABASE {database} " if database else ""
        cursor.execute(f"ALTER ROLE {role} {where}RESET ALL")


def bound_transactions(cursor: CursorWrapper) -> None:
    """The function that `end_overdue` calls, with the bounds of now in it."""
    cursor.execute(
        "SELECT rolname, oid FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)", [list(LIMITS)]
    )
    bounds = ", ".join(
        f"({oid}::oid, '{role}', {LIMITS[role].transaction})"
        for role, oid in cursor.fetchall()
        if LIMITS[role].transaction is not None
    )
    cursor.execute(_END_OVERDUE.format(bounds=bounds, locks=LOCKS))


def changed(cursor: CursorWrapper) -> list[str]:
    """Settings kept with the role that is signed in which are not as above. server.py asks for
    the limit of temporary files, which no role may change itself."""
    cursor.execute("SELECT session_user")
    (role,) = cursor.fetchone()
    if role not in LIMITS:
        return []
    cursor.execute(
        "SELECT split_part(kept, '=', 1), substr(kept, position('=' IN kept) + 1)"
        " FROM pg_catalog.pg_db_role_setting, unnest(setconfig) kept"
        " WHERE setrole = session_user::regrole"
    )
    different = set(cursor.fetchall()) ^ set(LIMITS[role].settings().items())
    return sorted({name for name, _value in different} - {"temp_file_limit"})


def end_overdue() -> list[str]:
    """End every session of a bounded role whose transaction is too old or holds too many locks.
    Returns their roles. For the sequencer's role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.limits_end_overdue()")
        ended = [role for (role,) in cursor.fetchall()]
    for role in ended:
        log.warning("a transaction that held up others was ended", extra={"role": role})
    return ended


def keep_ending_overdue() -> None:
    """For a thread of its own, so that nothing the sequencer waits for keeps it waiting."""
    while True:
        try:
            end_overdue()
        except Error:
            log.exception("transactions that hold up others cannot be ended")
            connection.close()
        time.sleep(LOOKS_EVERY)
