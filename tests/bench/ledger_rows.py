"""What the ledger bench knows of the ledger's tables: how one event is appended, which rows that
writes, how the same rows are written without a chain, and how a large valid ledger is made in SQL.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from config.local.postgres import binaries
from reporting.vault import keys

CHAIN = 10  # events of each subject that is loaded, when nothing else is said
SUBJECTS = 10_000  # among which the appends are spread
_TABLES = {  # what one append writes: table → its column that names the event
    "custody_custodyevent": "id",
    "custody_custodydetail": "event_id",
    "custody_waitingevent": "event_id",
}
_CLEARED = (
    *_TABLES,
    "custody_custodyhead",
    "custody_place",
    "custody_tile",
    "custody_checkpoint",
)

_SUBJECT = "'R-' || lpad(:subject::text, 12, '0')"
_PICKED = f"\\set subject random(1, {SUBJECTS})\n"
# One event of one of the subjects, with a sealed detail of the usual size.
_APPEND = """
SELECT id FROM public.custody_append({subject}, {event}, 'reporter', {subject},
    '\\x{nothing}'::bytea, '\\x{hash}'::bytea, '\\x{sealed}'::bytea, NULL, NULL);
"""

# The event numbered %(seq)s of each of the subjects from %(first)s to %(last)s. The leaf before it
# is looked up, so one statement a position loads any number of chains. All of them wait for the
# sequencer. The text is the canonical row of reporting/custody/schema.sql; the acts store nothing.
_LOAD = """
WITH numbered AS MATERIALIZED (
    SELECT 'R-' || lpad(k::text, 12, '0') AS subject, nextval('custody_event_number') AS id
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) k
), chained AS MATERIALIZED (
    SELECT *, timestamptz '2026-01-01 00:00+00' + id * interval '1 millisecond' AS at,
        CASE WHEN %(seq)s = 1 THEN repeat('0', 64) ELSE (
            SELECT before.leaf FROM custody_custodyevent before
            WHERE before.subject = numbered.subject AND before.seq = %(seq)s - 1
        ) END AS previous
    FROM numbered
), written AS (
    SELECT *, format(
        '{"actor":"reporter","at":"%%s","detail_hash":"%%s","detail_sealed_sha256":"%%s",'
        '"door":"public","event":"%%s","id":%%s,"object":"%%s","object_sha256":"%%s",'
        '"previous":"%%s","seq":%%s,"subject":"%%s"}',
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), %(detail_hash)s::text,
        %(sealed_sha256)s::text, %(event)s::text, id, subject, repeat('0', 64), previous,
        %(seq)s::bigint, subject) AS canonical
    FROM chained
), events AS (
    INSERT INTO custody_custodyevent (id, subject, seq, event, object, object_sha256, actor, door,
        at, detail_hash, detail_sealed_sha256, previous, canonical, leaf)
    SELECT id, subject, %(seq)s, %(event)s, subject, repeat('0', 64), 'reporter', 'public', at,
        %(detail_hash)s, %(sealed_sha256)s, previous, canonical,
        encode(sha256('\\x00'::bytea || convert_to(canonical, 'UTF8')), 'hex')
    FROM written
    RETURNING id, leaf
), waiting AS (
    INSERT INTO custody_waitingevent (event_id, leaf) SELECT id, decode(leaf, 'hex') FROM events
) INSERT INTO custody_custodydetail (event_id, founding, sealed)
  SELECT id, %(founding)s, %(sealed)s FROM numbered
"""

_HEADS = """
INSERT INTO custody_custodyhead (subject, seq, at)
    SELECT subject, seq, at FROM custody_custodyevent
    WHERE seq = %(seq)s AND subject BETWEEN 'R-' || lpad(%(first)s::text, 12, '0')
        AND 'R-' || lpad(%(last)s::text, 12, '0')
"""


def clear(owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """An empty ledger. Only the owner of a throw-away database can do that, past the triggers."""
    owner.execute("SET session_replication_role = replica")
    owner.execute(f"TRUNCATE {', '.join(_CLEARED)}".encode())
    owner.execute("SET session_replication_role = origin")


def load(
    owner: psycopg.Connection[tuple[object, ...]],
    *,
    first: int,
    events: int,
    chain: int = CHAIN,
) -> None:
    """`events` valid events in chains of `chain`, of the subjects numbered from `first` on. They
    wait for the sequencer.
    """
    text = _founding()
    sealed = secrets.token_bytes(100)
    sealed_hash = hashlib.sha256(sealed).hexdigest()
    founding_hash = hashlib.sha256(text.encode()).hexdigest()
    last = first + events // chain - 1
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        for seq in range(1, chain + 1):
            begins = seq == 1
            owner.execute(
                _LOAD,
                {
                    "seq": seq,
                    "first": first,
                    "last": last,
                    "event": "report:started" if begins else "looks:shown",
                    "detail_hash": founding_hash if begins else "a" * 64,
                    "founding": text if begins else "",
                    "sealed": b"" if begins else sealed,
                    "sealed_sha256": founding_hash if begins else sealed_hash,
                },
            )
        owner.execute(_HEADS, {"seq": chain, "first": first, "last": last})
    owner.execute("VACUUM (ANALYZE) custody_custodyevent, custody_custodydetail")


def _founding() -> str:
    """Salt, then the founding keys, as `record.start_chain` writes them."""
    public_key = keys.public_key_of(keys.new_secret())
    return f'{"0" * 32}{{"public_key":"{public_key}","signing_key":"{"0" * 64}"}}'


def append_script() -> str:
    """pgbench: one append as a door does it."""
    statement = _APPEND.format(
        subject=_SUBJECT,
        event=_quoted("'looks:shown'"),  # stores nothing, so no row of another table is needed
        hash="aa" * 32,
        nothing="00" * 32,
        sealed=secrets.token_hex(450),
    )
    return _PICKED + _one_line(statement)


def bare_script(owner: psycopg.Connection[tuple[object, ...]], role: str) -> str:
    """pgbench: the rows of one append into copies of its tables with the same indexes, in one
    statement as well; no lock, no look-up, no hash. The values are those of the newest event."""
    owner.execute("DROP SCHEMA IF EXISTS bare CASCADE")
    owner.execute("CREATE SCHEMA bare")
    owner.execute("CREATE SEQUENCE bare.number")
    parts = []
    for table, event_column in _TABLES.items():
        owner.execute(f"CREATE TABLE bare.{table} (LIKE public.{table} INCLUDING ALL)".encode())
        parts.append(_bare_insert(owner, table, event_column))
    owner.execute(f"GRANT USAGE ON SCHEMA bare TO {role}".encode())
    owner.execute(f"GRANT INSERT ON ALL TABLES IN SCHEMA bare TO {role}".encode())
    owner.execute(f"GRANT USAGE ON SEQUENCE bare.number TO {role}".encode())
    inserts = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts))
    statement = f"WITH numbered AS (SELECT nextval('bare.number') AS number), {inserts} SELECT 1;"
    return _PICKED + _one_line(statement)


def _bare_insert(
    owner: psycopg.Connection[tuple[object, ...]], table: str, event_column: str
) -> str:
    cursor = owner.execute(f"SELECT * FROM {table} ORDER BY {event_column} DESC LIMIT 1".encode())
    row = cursor.fetchone()
    assert row is not None and cursor.description is not None
    own = {event_column: "number", "seq": "number", "subject": _SUBJECT}
    names = [column.name for column in cursor.description]
    values = [
        own.get(name) or _quoted(sql.Literal(value).as_string(owner))
        for name, value in zip(names, row, strict=True)
    ]
    return f"INSERT INTO bare.{table} ({', '.join(names)}) SELECT {', '.join(values)} FROM numbered"


def _quoted(literal: str) -> str:
    """A literal cut after its colons: pgbench takes `:word` for a variable, in quotes as well."""
    return re.sub(r"(?<!:):(?=[A-Za-z_])", ":' || '", literal)


def _one_line(statement: str) -> str:
    return " ".join(statement.split()) + "\n"


def pgbench(url: str, script: Path, *, writers: int, seconds: int) -> float:
    """Transactions a second. A client in C, so that the figure is the server's and not Python's."""
    command = [str(binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", "--jobs=2"]
    command += [f"--client={writers}", f"--time={seconds}", f"--file={script}", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode or rate is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
    return float(rate[1])
