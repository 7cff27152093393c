"""From the first answer to the receipt, and what is added later: start · answer · submit."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import connection, transaction

from reporting import (
    age_gate,
    answers,
    budgets,
    embedded,
    evidence,
    ids,
    office,
    on_record,
    people,
    questions,
    receipts,
    sent,
    sessions,
    signed,
    stored,
)
from reporting.actors import REPORTER
from reporting.custody.record import start_chain
from reporting.models import (
    Answer,
    EvidenceItem,
    FileGroup,
    Person,
    Receipt,
    Report,
)
from reporting.sessions import Visit
from reporting.vault import codes, keys
from reporting.vault.sealer import Sealed, Sealer

_minting = codes.Desk()
# One round trip for three rows that always come together: every report begins with it.
_START = """
    WITH wrap AS (
        INSERT INTO public.reporting_returncodewrap (lookup, report_id, wrapped)
        VALUES (%(lookup)s, %(report)s, %(wrapped)s)
    ), person AS (
        INSERT INTO public.reporting_person (id, report_id, role)
        VALUES (%(person)s, %(report)s, %(role)s)
    )
    INSERT INTO public.reporting_report (id, state, language)
    VALUES (%(report)s, %(state)s, %(language)s)
    RETURNING id, state, language, started_at, submitted_at, news_at
"""


class NothingToSend(Exception):
    """The report holds neither a choice of what happened nor words."""


@dataclass(frozen=True)
class Started:
    visit: Visit
    token: sessions.Token


def start(*, language: str) -> Started:
    """A draft with its own key, wrapped for a new return code: until it is sent, nobody else can
    read it.

    Raises codes.Busy.
    """
    code = codes.mint()
    with _minting.turn():
        derived = codes.derive(code)
    secret = keys.new_secret()
    values: dict[str, str | bytes] = {
        "report": ids.report(),
        "state": Report.State.DRAFT,
        "language": language,
        "lookup": codes.lookup_hash(derived.lookup, receipts.lookup_key()),
        "wrapped": keys.wrap(secret, keys.public_key_of(derived.secret)),
        "person": ids.person(),
        "role": Person.Role.HARMED,
    }
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(_START, values)
            report = Report.from_row(cursor.fetchone())
        visit, token = sessions.begin(
            report, secret=secret, code=code, signing_seed=derived.signing_seed
        )
        start_chain(
            report.pk,
            public_key=keys.public_key_of(secret),
            signing_key=derived.signing_public_key,
            actor=REPORTER,
            about_sha256=stored.report_sha256(report.pk),
        )
    return Started(visit, token)


def answer(visit: Visit, question: questions.Question, value: Any) -> None:
    """Keep one answer. Every earlier version stays beside it; the same value again is no new
    version.

    Raises budgets.TooMuch, embedded.FileInText.
    """
    if isinstance(value, str):
        embedded.check(value)
    with transaction.atomic(savepoint=False):
        visit.report.hold()
        if answers.given_last(visit, question.key) == value:
            return
        answers.save(visit, question, value)
        if question.key == "who":
            people.note_helper(visit.report, str(value))


def add_lines(visit: Visit, kind: EvidenceItem.Kind, lines: Iterable[str]) -> None:
    """Links, or accounts of the other side: each line is an item of its own, exactly as it was
    typed.

    Raises budgets.TooMuch, embedded.FileInText.
    """
    given = list(lines)
    embedded.check("\n".join(given))
    budgets.check_lines(given)
    with transaction.atomic():
        visit.report.hold()
        budgets.check_items(visit.report, len(given))
        budgets.check_text(visit.report, sum(len(line.encode()) for line in given))
        account = kind == EvidenceItem.Kind.ACCOUNT
        person = (people.suspected if account else people.harmed)(visit.report)
        for line in given:
            evidence.acquire_text(visit, kind, line, person=person)


def open_file_group(visit: Visit, shown_adult: str) -> FileGroup:
    """The age question for the files that come next; its answer opens the way for bytes or keeps it
    shut."""
    with transaction.atomic():
        visit.report.hold()
        group = FileGroup.objects.create(report=visit.report, person=people.harmed(visit.report))
        answers.save(visit, questions.SHOWN_ADULT, shown_adult, group=group)
    return group


def change_file_group(visit: Visit, group: FileGroup, shown_adult: str) -> None:
    """The age answer of a group is corrected. Anything but yes quarantines what the group holds; a
    yes opens nothing again."""
    with transaction.atomic():
        visit.report.hold()
        answers.save(visit, questions.SHOWN_ADULT, shown_adult, group=group)


def add_file(visit: Visit, group: FileGroup, name: str, chunks: Iterable[bytes]) -> EvidenceItem:
    """Seal and keep one file from a source that can be pulled; what the upload pool does with one
    that is pushed.

    Raises age_gate.BytesNotTaken before a byte is read, VaultFull (nothing is kept then).
    """
    check_may_send_files(visit, group)
    vault_name = secrets.token_hex(16)
    sealer = Sealer(evidence.store().stage(vault_name), visit.public_key)
    try:
        for chunk in chunks:
            sealer.write(chunk)
        sealed = sealer.finish()
    except BaseException:
        sealer.discard()
        raise
    return keep_file(visit, group, sealed, vault_name=vault_name, file_name=name)


def keep_file(
    visit: Visit, group: FileGroup, sealed: Sealed, *, vault_name: str, file_name: str
) -> EvidenceItem:
    """A complete file, durable in the vault. The age gate is asked once more under the report's
    lock, so that no answer changes in between. Raises age_gate.BytesNotTaken, budgets.TooMuch, and
    then nothing of it is kept."""
    try:
        with transaction.atomic():
            visit.report.hold()
            check_may_send_files(visit, group)
            budgets.check_items(visit.report, 1)
            return evidence.acquire(
                visit, sealed, group, vault_name=vault_name, file_name=file_name
            )
    except (age_gate.BytesNotTaken, budgets.TooMuch):
        evidence.store().remove(vault_name)
        raise


def submit(visit: Visit) -> Receipt:
    """Send. Everything is committed and durable when this returns; a second call returns the same
    receipt.

    Raises NothingToSend, sent.NotSentByReporter.
    """
    report = visit.report
    with transaction.atomic(durable=True):
        if report.hold() != Report.State.DRAFT:
            return _sent_before(visit)
        known = on_record.of(report.pk, visit.secret, for_reporter=True, only=Answer)
        given = answers.latest(answers.read(known.answers, visit.secret))
        if not given.get("what") and not given.get("words"):
            raise NothingToSend
        office.wrap_report(report.pk, visit.secret)
        manifest = _manifest(known)
        commitment = hashlib.sha256(rfc8785.dumps(manifest)).hexdigest()
        recorded = signed.record_signed(
            visit,
            "report:submitted",
            detail={"manifest_sha256": commitment},
            about_sha256=stored.report_sha256(report.pk),
            sha256=commitment,
        )
        return receipts.issue(report, recorded, manifest_sha256=commitment)


def _sent_before(visit: Visit) -> Receipt:
    """Raises sent.NotSentByReporter when the act that sent it is not signed by the reporter."""
    if on_record.of(visit.report.pk, visit.secret, for_reporter=True, only=Answer).sent_at is None:
        raise sent.NotSentByReporter
    return Receipt.objects.get(report=visit.report)


def _manifest(known: on_record.OnRecord) -> dict[str, Any]:
    """What was in the report when it was sent: ids with the object hash of their acts, nothing that
    was written."""
    return {
        "answers": [[act.object, act.object_sha256] for act in known.stored(Answer)],
        "items": [[act.object, act.object_sha256] for act in known.stored(EvidenceItem)],
    }


def check_may_send_files(visit: Visit, group: FileGroup | None) -> None:
    """The age gate for the reporter who is here. Raises age_gate.BytesNotTaken."""
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True, only=Answer)
    age_gate.check_may_send_files(
        answers.read(known.answers, visit.secret),
        group,
        allowed_again_at=age_gate.allowed_again_at(known.believed),
    )
