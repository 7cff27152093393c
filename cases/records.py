"""Every stored row against the ledger, both ways and without any key: for `verify_ledger` and the
nightly job.

Found are rows that no act recorded, rows with other bytes or another time, acts whose row is gone,
and states that no act explains. Erased reports have no rows; their acts stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Fault:
    """`id`: of the row or the thing an act names. `why`: a sentence without its subject."""

    id: str
    why: str

    def __str__(self) -> str:
        return f"{self.id}: {self.why}"


@dataclass(frozen=True)
class _Kind:
    """A table of recorded rows. `sha256`: SQL for the object hash of `row`; `more`: SQL that must
    hold of row and event."""

    table: str
    letter: str
    subject: str
    acts: tuple[str, ...]
    sha256: str
    more: str = "true"


_KINDS = (
    _Kind(
        "reporting_answer", "A", "report_id", ("answer:saved",), "encode(sha256(row.sealed), 'hex')"
    ),
    _Kind(
        "reporting_evidenceitem",
        "E",
        "report_id",
        ("evidence:acquired",),
        "CASE row.kind WHEN 'file' THEN row.ciphertext_sha256"
        " ELSE encode(sha256(row.acquisition), 'hex') END",
        "event.detail_sealed_sha256 = encode(sha256(row.acquisition), 'hex')",
    ),
    _Kind(
        "reporting_message",
        "M",
        "report_id",
        ("message:posted",),
        "encode(sha256(row.sealed), 'hex')",
        "row.from_office = (event.door <> 'public')",
    ),
    _Kind(
        "reporting_consent",
        "K",
        "report_id",
        ("consent:answered",),
        "encode(sha256(convert_to(row.statement, 'UTF8') || row.signature), 'hex')",
    ),
    _Kind("cases_note", "T", "case_id", ("note:added",), "encode(sha256(row.sealed), 'hex')"),
)

# Where a state stands, and the acts by which it came; the newest of them decides.
_REPORT_STATES = {
    "report:started": "draft",
    "report:submitted": "received",
    "report:taken": "in_triage",
    "report:accepted": "accepted",
    "report:joined": "joined",
    "report:declined": "declined",
    "report:out_of_scope": "out_of_scope",
    "report:expired": "erased",
    "report:not_sent": "not_sent",
}
_ITEM_STATES = {
    "evidence:acquired": "kept",
    "evidence:verified": "verified",
    "evidence:integrity_failed": "integrity_failed",
}
_QUARANTINE_STATES = {
    "evidence:quarantined": "quarantined",
    "quarantine:destroyed": "destroyed",
    "quarantine:preserved": "preserved",
    "quarantine:released": "released",
}


def faults() -> Iterator[Fault]:
    """One at a time; memory does not grow with the number of rows."""
    for kind in _KINDS:
        yield from _rows(kind)
        yield from _gone(kind)
    yield from _states("reporting_report", "id", "id", _REPORT_STATES)
    yield from _states("reporting_evidenceitem", "id", "report_id", _ITEM_STATES)
    yield from _states("reporting_quarantine", "thing", "report_id", _QUARANTINE_STATES)
    yield from _quarantines()
    yield from _bands()


def sentences() -> Iterator[str]:
    """The same as `faults`, for `verify_ledger`."""
    return (str(fault) for fault in faults())


def _rows(kind: _Kind) -> Iterator[Fault]:
    """Rows that are not what an act recorded."""
    sql = f"""
        SELECT row.id, CASE WHEN event.id IS NULL THEN 'no act of the record is about it'
            WHEN event.object_sha256 <> {kind.sha256} OR NOT ({kind.more})
            THEN 'it is not what was recorded'
            ELSE 'it carries another time or subject than the record' END
        FROM public.{kind.table} row
        LEFT JOIN public.custody_custodyevent event
            ON event.object = row.id AND event.event = ANY (%s)
        WHERE event.id IS NULL OR event.object_sha256 <> {kind.sha256} OR NOT ({kind.more})
            OR event.at <> row.at OR event.subject <> row.{kind.subject}
    """  # noqa: S608  names of our own tables
    yield from _read(sql, [list(kind.acts)])


def _gone(kind: _Kind) -> Iterator[Fault]:
    """Acts whose row is gone, and neither taken out before sending nor erased with its report."""
    sql = f"""
        SELECT event.object, 'the record names it and it is gone'
        FROM public.custody_custodyevent event
        WHERE event.event = ANY (%s)
            AND NOT EXISTS (SELECT FROM public.{kind.table} row WHERE row.id = event.object)
            AND NOT EXISTS (
                SELECT FROM public.custody_custodyevent later
                WHERE later.subject = event.subject AND (
                    later.event = 'report:expired' OR later.object = event.object
                    AND later.event IN ('answer:taken_out', 'evidence:taken_out')))
    """  # noqa: S608
    yield from _read(sql, [list(kind.acts)])


def _states(table: str, about: str, subject: str, acts: dict[str, str]) -> Iterator[Fault]:
    """Rows in a state that the newest act about it does not give."""
    sql = f"""
        WITH state (event, state) AS (SELECT * FROM unnest(%s::text[], %s::text[]))
        SELECT row.{about}, 'its state ' || row.state || ' is not the one on record ('
            || coalesce(last.state, 'none') || ')'
        FROM public.{table} row LEFT JOIN LATERAL (
            SELECT state.state FROM public.custody_custodyevent event JOIN state USING (event)
            WHERE event.subject = row.{subject} AND event.object = row.{about}
            ORDER BY event.seq DESC LIMIT 1
        ) last ON true
        WHERE row.state IS DISTINCT FROM last.state
    """  # noqa: S608
    yield from _read(sql, [list(acts), list(acts.values())])


def _quarantines() -> Iterator[Fault]:
    """Things that an act quarantined and that are not on the officer's list."""
    sql = """
        SELECT thing.object, 'the record quarantined it and it is not on the list'
        FROM (SELECT DISTINCT event.object FROM public.custody_custodyevent event
              WHERE event.event = 'evidence:quarantined') thing
        WHERE NOT EXISTS (
            SELECT FROM public.reporting_quarantine row WHERE row.thing = thing.object)
    """
    yield from _read(sql, [])


def _bands() -> Iterator[Fault]:
    """Reports that are sorted otherwise than the newest act about their band says."""
    sql = """
        SELECT report.id, 'its band is not as recorded' FROM public.reporting_report report
        WHERE NOT public.cases_assessment_recorded(report.id)
    """
    yield from _read(sql, [])


def _read(sql: str, parameters: list[list[str]]) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(1_000):
            yield from (Fault(row_id, why) for row_id, why in rows)
