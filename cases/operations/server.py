"""What PostgreSQL gives to every role that signs in, and the office to none.

Each of these lets one role use up what all share: the lock table, the disk, the template of new
databases. Only a superuser can take the first two away; where the migrating role is none, and for
what stands in the server's own configuration, the start-up check says what is open.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

# Large objects; locks that belong to nothing; messages of any size in the write-ahead log.
_FUNCTIONS = """
    SELECT oid::regprocedure::text FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname ~ '^(lo_|loread|lowrite|pg_(try_)?advisory_|pg_notify$|pg_logical_emit_message)'
        AND has_function_privilege('public', oid, 'EXECUTE')
"""
# Databases of other applications are theirs to close.
_OPEN_DATABASES = """
    SELECT quote_ident(datname) FROM pg_catalog.pg_database
    WHERE datname IN ('postgres', 'template1') AND has_database_privilege('public', oid, 'CONNECT')
"""
_SEQUENCER_NEEDS = "pg_catalog.pg_try_advisory_lock(bigint)"

AT_MOST = {
    "max_prepared_transactions": 0,  # a prepared one keeps its locks when its session has ended
    "max_notify_queue_pages": 8_192,  # 64 MiB on disk that a listener fills by not listening
}
LOCKS_AT_LEAST = 100_000  # of all sessions together
# What is open → whether it is, asked as a door's role.
_OPEN = {
    "everybody may call functions of the server that stop others": f"EXISTS ({_FUNCTIONS})",
    "its role may connect to another database of the server": """
        EXISTS (SELECT FROM pg_catalog.pg_database WHERE datallowconn
            AND datname <> current_database() AND has_database_privilege(oid, 'CONNECT'))""",
    "temp_file_limit is not set for its role": "current_setting('temp_file_limit') = '-1'",
    "the owner of the database may not end transactions that hold up others": """
        EXISTS (SELECT FROM pg_catalog.pg_proc ending
            JOIN pg_catalog.pg_roles owner ON owner.oid = ending.proowner
            WHERE ending.proname = 'limits_end_overdue' AND NOT owner.rolsuper
                AND NOT (pg_has_role(owner.oid, 'pg_signal_backend', 'USAGE')
                    AND pg_has_role(owner.oid, 'pg_read_all_stats', 'USAGE')))""",
}


def close(cursor: CursorWrapper) -> None:
    """As a superuser; by another role nothing is taken away."""
    if _value(cursor, "current_setting('is_superuser')") != "on":
        return
    # Processes that migrate at the same time would change the same rows of the cluster's catalogs.
    cursor.execute("LOCK TABLE pg_catalog.pg_db_role_setting IN SHARE ROW EXCLUSIVE MODE")
    if functions := _names(cursor, _FUNCTIONS):
        cursor.execute(f"REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC")
    cursor.execute(f"GRANT EXECUTE ON FUNCTION {_SEQUENCER_NEEDS} TO holdfast_sequencer")
    if databases := _names(cursor, _OPEN_DATABASES):
        cursor.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {databases} FROM PUBLIC")


def faults(cursor: CursorWrapper) -> list[str]:
    """What lets the role that is signed in use up something of all."""
    faults = [what for what, question in _OPEN.items() if _value(cursor, question)]
    for setting, most in AT_MOST.items():
        if _value(cursor, f"coalesce(current_setting('{setting}', true)::bigint > {most}, false)"):
            faults.append(f"{setting} is more than {most}")
    locks = "current_setting('max_locks_per_transaction')::bigint"
    if _value(cursor, f"{locks} * current_setting('max_connections')::bigint") < LOCKS_AT_LEAST:
        faults.append(
            f"max_locks_per_transaction times max_connections is less than {LOCKS_AT_LEAST}"
        )
    return faults


def _value(cursor: CursorWrapper, expression: str) -> Any:
    cursor.execute(f"SELECT {expression}")
    return cursor.fetchone()[0]


def _names(cursor: CursorWrapper, query: str) -> str:
    cursor.execute(query)
    return ", ".join(name for (name,) in cursor.fetchall())
