"""Every stored row against the ledger, both ways and without any key: for `verify_ledger` and the
nightly job.

Found are rows that no act recorded, rows with other bytes or another time, acts whose row is gone,
and states that no act explains. Erased reports have no rows; their acts stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from django.conf import settings
from django.db import connection

from cases.models import Package
from reporting import evidence, receipts, sent
from reporting.custody import events
from reporting.models import EvidenceItem, Quarantine, Receipt


@dataclass(frozen=True)
class Fault:
    """`id`: of the row or the thing an act names. `why`: a sentence without its subject."""

    id: str
    why: str

    def __str__(self) -> str:
        return f"{self.id}: {self.why}"


@dataclass(frozen=True)
class _Kind:
    """A table of recorded rows and the act that stores one. Its SQL function `…_sha256` gives the
    object hash of a row from `argument`; `more`: SQL that must hold of row and event."""

    table: str
    act: str
    subject: str = "report_id"
    more: str = "true"
    argument: str = "row"


_KINDS = (
    _Kind("reporting_answer", "answer:saved"),
    _Kind(
        "reporting_evidenceitem",
        "evidence:acquired",
        more="event.detail_sealed_sha256 = encode(sha256(row.acquisition), 'hex')",
    ),
    _Kind(
        "reporting_message",
        "message:posted",
        more="row.from_office = (event.door <> 'public')",
    ),
    _Kind("reporting_consent", "consent:answered", more="public.reporting_consent_stated(row)"),
    _Kind(
        "cases_note",
        "note:added",
        "case_id",
        "event.actor = (SELECT actor_id FROM public.staff_staffmember WHERE id = row.author_id)",
        "row.id",  # the worker may not read a note, not even sealed
    ),
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
    yield from _changed("reporting_report", "reporting_report_recorded", letter="R")
    yield from _times()
    yield from _changed("cases_referral", "cases_handover_recorded", letter="F")
    yield from _changed("cases_case", "cases_case_recorded", letter="C")
    yield from _bands()
    yield from _people()
    yield from _decisions()
    yield from _receipts()


def vault_faults() -> Iterator[Fault]:
    """Files and packages whose object in the vault is not the one that was recorded; reads every
    byte. Not of what is quarantined: nobody opens that, nor takes its hash."""
    closed = Quarantine.objects.exclude(state=Quarantine.State.RELEASED).values("thing")
    files = EvidenceItem.objects.filter(kind=EvidenceItem.Kind.FILE).exclude(pk__in=closed)
    for item in files.iterator():
        yield from _in_vault(item.pk, item.vault_name, item.ciphertext_sha256)
    yield from package_faults()


def package_faults() -> Iterator[Fault]:
    for package in Package.objects.iterator():
        yield from _in_vault(package.pk, package.vault_name, package.encrypted_sha256)


def _in_vault(thing: str, vault_name: str, sha256: str) -> Iterator[Fault]:
    if why := evidence.vault_fault(vault_name, sha256):
        yield Fault(thing, why)


def _rows(kind: _Kind) -> Iterator[Fault]:
    """Rows that are not what an act recorded."""
    sha256 = f"public.{kind.table}_sha256({kind.argument})"
    other = f"event.object_sha256 <> {sha256} OR NOT ({kind.more})"
    sql = f"""
        SELECT row.id, CASE WHEN event.id IS NULL THEN 'no act of the record is about it'
            WHEN {other} THEN 'it is not what was recorded'
            ELSE 'it carries another time or subject than the record' END
        FROM public.{kind.table} row
        LEFT JOIN public.custody_custodyevent event
            ON event.object = row.id AND event.event = %s
        WHERE event.id IS NULL OR {other}
            OR event.at <> row.at OR event.subject <> row.{kind.subject}
    """  # noqa: S608  names of our own tables
    yield from _read(sql, [kind.act])


def _gone(kind: _Kind) -> Iterator[Fault]:
    """Acts whose row is gone, and neither taken out before sending nor erased with its report."""
    sql = f"""
        SELECT event.object, 'the record names it and it is gone'
        FROM public.custody_custodyevent event
        WHERE event.event = %s
            AND NOT EXISTS (SELECT FROM public.{kind.table} row WHERE row.id = event.object)
            AND NOT EXISTS (
                SELECT FROM public.custody_custodyevent later
                WHERE later.subject = event.subject AND (
                    later.event = 'report:expired' OR later.object = event.object
                    AND later.event IN ('answer:taken_out', 'evidence:taken_out')))
    """  # noqa: S608
    yield from _read(sql, [kind.act])


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


def _changed(table: str, recorded: str, *, letter: str) -> Iterator[Fault]:
    """Things whose rows are not as the newest act that changed them left them, or are gone."""
    sql = f"""
        SELECT row.id, 'its rows are not as the newest act about it left them'
        FROM public.{table} row WHERE NOT public.{recorded}(row.id)
        UNION ALL
        SELECT DISTINCT event.object, 'the record names it and it is gone'
        FROM public.custody_custodyevent event
        WHERE event.object LIKE %s AND event.object_sha256 <> repeat('0', 64)
            AND NOT EXISTS (SELECT FROM public.{table} row WHERE row.id = event.object)
    """  # noqa: S608
    yield from _read(sql, [f"{letter}-%"])


def _times() -> Iterator[Fault]:
    """Reports that began or were sent at another time than on record."""
    sql = """
        SELECT row.id, 'it began or was sent at another time than the record says'
        FROM public.reporting_report row
        LEFT JOIN public.custody_custodyevent began
            ON began.subject = row.id AND began.event = 'report:started'
        LEFT JOIN public.custody_custodyevent sent
            ON sent.subject = row.id AND sent.event = 'report:submitted'
        WHERE row.started_at IS DISTINCT FROM began.at
            OR row.submitted_at IS DISTINCT FROM sent.at
    """
    yield from _read(sql, [])


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
    """Reports that are sorted otherwise than the newest act about their band says, or whose harms
    in the clear are others."""
    sql = """
        SELECT report.id, 'its band is not as recorded' FROM public.reporting_report report
        WHERE NOT public.cases_assessment_recorded(report.id)
    """
    yield from _read(sql, [])


def _people() -> Iterator[Fault]:
    """Rows about a person or a group of files that their report does not have."""
    for table, group in (
        ("reporting_answer", "row.group_id"),
        ("reporting_evidenceitem", "row.group_id"),
        ("reporting_consent", "NULL"),
    ):
        sql = f"""
            SELECT row.id, 'it is about a person or files that its report does not have'
            FROM public.{table} row
            WHERE NOT public.reporting_of_report(row.report_id, row.person_id, {group})
        """  # noqa: S608
        yield from _read(sql, [])


def _decisions() -> Iterator[Fault]:
    """Things whose decisions are not those of the acts that proposed and confirmed them, in their
    order."""
    sql = """
        WITH act AS (
            SELECT object, event, actor, object_sha256, seq,
                lead(event) OVER following AS then_event,
                lead(actor) OVER following AS then_actor
            FROM public.custody_custodyevent WHERE event IN ('quarantine:proposed',
                'quarantine:destroyed', 'quarantine:preserved', 'quarantine:released')
            WINDOW following AS (PARTITION BY object ORDER BY seq)
        ), recorded AS (
            SELECT object AS thing, row_number() OVER (PARTITION BY object ORDER BY seq) AS n,
                actor AS proposer, object_sha256, then_actor AS confirmer, then_event
            FROM act WHERE event = 'quarantine:proposed'
        ), decided AS (
            SELECT row.quarantine_id AS thing, proposer.actor_id AS proposer, row.choice,
                confirmer.actor_id AS confirmer,
                row_number() OVER (PARTITION BY row.quarantine_id ORDER BY row.id) AS n
            FROM public.cases_quarantinedecision row
            LEFT JOIN public.staff_staffmember proposer ON proposer.id = row.proposed_by_id
            LEFT JOIN public.staff_staffmember confirmer ON confirmer.id = row.confirmed_by_id
        )
        SELECT DISTINCT thing, 'what was decided about it is not as recorded'
        FROM recorded FULL JOIN decided USING (thing, n)
        WHERE recorded.proposer IS DISTINCT FROM decided.proposer
            OR recorded.confirmer IS DISTINCT FROM decided.confirmer
            OR recorded.object_sha256 IS DISTINCT FROM
                encode(sha256(convert_to(decided.choice, 'UTF8')), 'hex')
            OR recorded.then_event <> 'quarantine:' || decided.choice
    """
    yield from _read(sql, [])


def _receipts() -> Iterator[Fault]:
    """Of reports that were sorted or taken: before, a receipt may be anybody's who holds the public
    door, and the report is set aside."""
    sent_by_acts = """
        SELECT event.subject, event.seq FROM public.custody_custodyevent event
        WHERE event.event = 'report:submitted' AND EXISTS (
            SELECT FROM public.custody_custodyevent later WHERE later.subject = event.subject
                AND later.event IN ('report:banded', 'report:taken'))
    """
    ca = settings.CA_CERTIFICATE_FILE
    roots = x509.load_pem_x509_certificates(ca.read_bytes()) if ca.exists() else []
    with connection.cursor() as cursor:
        cursor.execute(sent_by_acts)
        while places := cursor.fetchmany(500):
            stored = Receipt.objects.in_bulk([report for report, _seq in places])
            signed = sent.by_reporter(stored)
            for act in events.at(places):
                if why := _receipt_fault(stored.get(act.subject), act, signed, roots):
                    yield Fault(act.subject, why)


def _receipt_fault(
    receipt: Receipt | None,
    act: events.Event,
    signed: frozenset[str],
    roots: list[x509.Certificate],
) -> str:
    if receipt is None:
        return "its receipt is gone"
    if act.subject not in signed:
        return "its receipt does not hold the reporter's signature over sending it"
    return receipts.fault(receipt, act, roots)


def _read(sql: str, parameters: Sequence[str | list[str]]) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(1_000):
            yield from (Fault(row_id, why) for row_id, why in rows)
