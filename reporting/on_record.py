"""What a report holds, as the ledger says: every stored row beside the act that recorded it.

The one list that pages, previews, consents, packages, the portal, the nightly job and
`verify_ledger` read. A row that no act recorded, or with another hash or time; an act whose row is
gone; an act of the reporter without the reporter's signature: each is an entry with a `fault`. It
is shown as one marked line, is not opened, and never leaves the house.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from reporting import acts, signed
from reporting.custody import events
from reporting.custody.events import Event
from reporting.custody.record import founding
from reporting.models import Answer, Consent, EvidenceItem, Message
from reporting.vault import reader
from reporting.vault.keys import Secret, WrongKey
from reporting.vault.untrusted_json import DETAIL_LIMIT, read_object

Row = TypeVar("Row", Answer, EvidenceItem, Message, Consent)

NO_ACT = "no act of the record is about it"
ROW_GONE = "the record names it and it is gone"
OTHER_BYTES = "it is not what was recorded"
OTHER_TIME = "it carries another time than the record"
NOT_READABLE = "the detail of its act cannot be read"
NOT_SIGNED = "it is not signed by the reporter"


@dataclass(frozen=True)
class Entry(Generic[Row]):
    """A row and its act. `row` is None where it is gone, `event` where no act recorded it; `detail`
    is empty without a key.

    `fault`: why this is not as recorded, or an empty text. `failed`: an act says that its bytes are
    not those that came in, whatever its row says.
    """

    id: str
    row: Row | None
    event: Event | None
    fault: str
    detail: dict[str, Any]
    failed: bool = False

    @property
    def at(self) -> datetime | None:
        """The ledger's time; a row without an act has none."""
        return self.event.at if self.event else None


@dataclass(frozen=True)
class OnRecord:
    """`details`: event id → its opened detail, None where it cannot be read; empty without the
    report's key. `plain`: event id → the same as the bytes that `detail_hash` is over (salt ‖
    detail). `kept`: object → the act that stored it, without what was taken out before sending.

    `chain_fault`: why the acts of the report are not one unbroken chain, or an empty text.
    """

    report: str
    acts: list[Event]
    answers: list[Entry[Answer]]
    items: list[Entry[EvidenceItem]]
    messages: list[Entry[Message]]
    consents: list[Entry[Consent]]
    details: dict[int, dict[str, Any] | None]
    plain: dict[int, bytes]
    kept: dict[str, Event]
    chain_fault: str

    def stored(self, model: type[Row]) -> list[Event]:
        """The acts that stored a row of this model, without what was taken out before sending."""
        return [act for id_, act in self.kept.items() if id_.startswith(_LETTERS[model])]

    @property
    def faults(self) -> list[tuple[str, str]]:
        """(id, fault) of everything that is not as recorded."""
        entries: Iterable[Entry[Any]] = [*self.answers, *self.items, *self.messages, *self.consents]
        found = [(entry.id, entry.fault) for entry in entries if entry.fault]
        named = {id_ for id_, _fault in found}
        found += [
            (act.object, f"{act.name}: {self.act_faults[act.id]}")
            for act in self.acts
            if act.id in self.act_faults and act.object not in named
        ]
        return [*found, *([(self.report, self.chain_fault)] if self.chain_fault else [])]

    @cached_property
    def believed(self) -> list[Event]:
        """The acts that are as recorded and, at the public door, signed by the reporter. All of
        them without the key."""
        return [act for act in self.acts if act.id not in self.act_faults]

    def is_unsigned(self, act: Event) -> bool:
        """Whether an act is known not to be the reporter's: its detail is the one that was recorded
        and holds no signature of theirs. Never without the key."""
        whole = act.sealed and not act.fault
        return bool(self.details and whole and _detail_fault(act, self.details.get(act.id)))

    @cached_property
    def act_faults(self) -> dict[int, str]:
        """Event id → why the act is not as recorded or, at the public door, not the reporter's."""
        faults = {act.id: self._fault(act) for act in self.acts}
        return {id_: fault for id_, fault in faults.items() if fault}

    @cached_property
    def frozen(self) -> frozenset[int]:
        """The ids of the acts that are not as recorded, or whose stored row is not: what they say
        never leaves."""
        entries: Iterable[Entry[Any]] = [*self.answers, *self.items, *self.messages, *self.consents]
        stored = {entry.event.id for entry in entries if entry.event and entry.fault}
        return frozenset(stored | self.act_faults.keys())

    def _fault(self, act: Event) -> str:
        if act.fault or act.founding or not self.details:
            return act.fault
        return _detail_fault(act, self.details.get(act.id))

    @property
    def sent_at(self) -> datetime | None:
        """When the reporter sent it, by the ledger."""
        return next((act.at for act in self.believed if act.name == "report:submitted"), None)


def of(
    report_id: str,
    secret: Secret | None = None,
    *,
    for_reporter: bool = False,
    only: type[Answer] | type[EvidenceItem] | type[Consent] | None = None,
) -> OnRecord:
    """Everything of a report. With its key the details are opened and the reporter's signatures
    checked.

    Order within each list: by the ledger; what it does not know stands last. `for_reporter`: at the
    public door, which is given only the acts that a reporter may read, so that the chain cannot be
    followed. `only`: rows of this model alone are read; the other lists stay empty.
    """
    recorded = events.of(report_id)
    plain = {event.id: text for event in recorded if secret and (text := _open(event, secret))}
    details = {event.id: _detail(plain.get(event.id)) for event in recorded} if secret else {}
    kept = _kept(recorded, details, secret)
    failed = {event.object for event in recorded if event.name == "evidence:integrity_failed"}

    def entries(model: type[Row]) -> list[Entry[Row]]:
        if only is not None and only is not model:
            return []
        mine = {row.pk: row for row in model.objects.filter(report=report_id)}
        return _entries(mine, kept, model, details, secret, failed)

    return OnRecord(
        report=report_id,
        acts=recorded,
        answers=entries(Answer),
        items=entries(EvidenceItem),
        messages=entries(Message),
        consents=entries(Consent),
        details=details,
        plain=plain,
        kept=kept,
        chain_fault="" if for_reporter else events.chain_fault(recorded),
    )


def stored_sha256(row: Answer | EvidenceItem | Message | Consent) -> str:
    """The object's hash of the act about a row, in hex: SHA-256 over the columns that stand in the
    clear, one a line, and the sealed bytes after them.

    Not in it: the id, which the act names; the time, which is the act's; who a message is from,
    which is the act's door; an item's acquisition, which is the act's sealed detail. `hashes.sql`
    has the same for the database.
    """
    if isinstance(row, Answer):
        return _sha256(row.question, row.person_id, row.group_id or "", sealed=row.sealed)
    if isinstance(row, EvidenceItem):
        of_vault = (row.vault_name, row.ciphertext_size, row.ciphertext_sha256)
        return _sha256(row.kind, row.person_id, row.group_id or "", *of_vault)
    if isinstance(row, Consent):  # its columns are those of the statement
        return _sha256(sealed=row.statement.encode() + bytes(row.signature))
    return _sha256(sealed=row.sealed)


def _sha256(*columns: object, sealed: bytes = b"") -> str:
    clear = "".join(f"{column}\n" for column in columns)
    return hashlib.sha256(clear.encode() + bytes(sealed)).hexdigest()


def row_fault(row: Answer | EvidenceItem | Message | Consent, event: Event) -> str:
    """Why a row is not the one its act recorded, or an empty text. Needs no key."""
    if event.fault:
        return event.fault
    if stored_sha256(row) != event.object_sha256:
        return OTHER_BYTES
    if isinstance(row, EvidenceItem) and bytes(row.acquisition) != event.sealed:
        return OTHER_BYTES
    return OTHER_TIME if row.at != event.at else ""


_TAKEN_OUT = frozenset({"answer:taken_out", "evidence:taken_out"})
_LETTERS = {Answer: "A", EvidenceItem: "E", Message: "M", Consent: "K"}


def _entries(
    rows: dict[str, Row],
    kept: dict[str, Event],
    model: type[Row],
    details: dict[int, dict[str, Any] | None],
    secret: Secret | None,
    failed: set[str],
) -> list[Entry[Row]]:
    found: list[Entry[Row]] = []
    for id_, event in kept.items():
        if not id_.startswith(_LETTERS[model]):
            continue
        row = rows.get(id_)
        fault = row_fault(row, event) if row else ROW_GONE
        detail = details.get(event.id) or {}
        if secret and not fault:
            fault = _detail_fault(event, details.get(event.id))
        found.append(Entry(id_, row, event, fault, detail, id_ in failed))
    for id_, stray in rows.items():
        if id_ not in kept:
            found.append(Entry(id_, stray, None, NO_ACT, {}))
    return found


def _kept(
    recorded: list[Event], details: dict[int, dict[str, Any] | None], secret: Secret | None
) -> dict[str, Event]:
    """Object → the act that stored it, without what the reporter took out before sending."""
    kept: dict[str, Event] = {}
    sent = False
    for event in recorded:
        if event.name in acts.KEEPING:
            kept.setdefault(event.object, event)
        elif event.name == "report:submitted":
            sent = True
        elif event.name in _TAKEN_OUT and not sent and _confirmed(event, details, secret):
            kept.pop(event.object, None)
    return kept


def _confirmed(
    event: Event, details: dict[int, dict[str, Any] | None], secret: Secret | None
) -> bool:
    return secret is None or not _detail_fault(event, details.get(event.id))


def _open(event: Event, secret: Secret) -> bytes:
    """Salt and detail of an act, or nothing when they cannot be read or are not those that were
    recorded."""
    if event.founding or not event.sealed:
        return b""
    try:
        text = reader.open_bytes(event.sealed, secret)
    except WrongKey:
        return b""
    return text if hashlib.sha256(text).hexdigest() == event.detail_hash else b""


def _detail(plain: bytes | None) -> dict[str, Any] | None:
    try:
        return read_object(plain[32:], DETAIL_LIMIT) if plain else None
    except ValueError:
        return None


def _detail_fault(event: Event, detail: dict[str, Any] | None) -> str:
    if detail is None:
        return NOT_READABLE
    if event.door != "public" or event.name not in acts.SIGNED:
        return ""
    try:
        signed.check(event, detail, founding(event.subject).signing_key)
    except signed.NotSigned:
        return NOT_SIGNED
    return ""
