"""From the first answer to the receipt, and what is added later: start · answer · submit."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from reporting import evidence, ids, news, people, questions, receipts, sessions
from reporting.actors import REPORTER, Actor
from reporting.custody.record import record, start_chain
from reporting.models import (
    Answer,
    EvidenceItem,
    FileGroup,
    Incident,
    OfficeWrap,
    Person,
    Receipt,
    Report,
    ReturnCodeWrap,
)
from reporting.vault import codes, keys
from reporting.vault.fields import seal_record
from reporting.vault.sealer import Sealed, Sealer

_minting = codes.Desk()


class NothingToSend(Exception):
    """She has neither said what happened in a choice nor in words."""


@dataclass(frozen=True)
class Started:
    visit: sessions.Visit
    token: sessions.Token


def start(*, language: str, by: Actor) -> Started:
    """A draft with its own key, wrapped for a new return code: until she sends, nobody else can read it. Raises codes.Busy."""
    code = codes.mint()
    with _minting.turn():
        derived = codes.derive(code)
    secret = keys.new_secret()
    public_key = keys.public_key_of(secret)
    with transaction.atomic():
        report = Report.objects.create(id=ids.report(), language=language)
        ReturnCodeWrap.objects.create(
            lookup=codes.lookup_hash(derived.lookup, receipts.lookup_key()),
            report=report,
            wrapped=keys.wrap(secret, keys.public_key_of(derived.secret)),
        )
        Person.objects.create(report=report, role=Person.Role.HARMED)
        visit, token = sessions.begin(
            report, secret=secret, code=code, signing_seed=derived.signing_seed
        )
        start_chain(
            report.id, public_key=public_key, signing_key=derived.signing_public_key, actor=by
        )
    return Started(visit, token)


def answer(visit: sessions.Visit, question: questions.Question, value: Any, *, by: Actor) -> None:
    """Keep one answer. In a draft it takes the place of the earlier one; in a sent report it stands beside it.

    An answer that makes a child possible quarantines every file already given, in the same transaction.
    """
    sealed = seal_record(
        {
            "value": value,
            "wording": str(question.text),
            "choices": [[choice.value, str(choice.label)] for choice in question.choices],
            "language": visit.report.language,
            "typed_by": by,
        },
        visit.public_key,
    )
    with transaction.atomic():
        report = Report.objects.select_for_update().get(pk=visit.report.pk)
        if report.state == Report.State.DRAFT:
            Answer.objects.filter(report=report, question=question.key).delete()
        elif question.key == "what":
            _note_incidents(report, value)
        row = Answer.objects.create(
            report=report, person=people.harmed(report), question=question.key, sealed=sealed
        )
        if question.key == "who":
            people.note_helper(report, str(value))
        if question.key in {"age", "who"}:
            _quarantine_if_a_child_may_be_shown(visit, by=by)
        news.note(report)
        record(
            report.id,
            "answer:saved",
            actor=by,
            detail={
                "answer": row.pk,
                "question": question.key,
                "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
            },
        )


def add_lines(
    visit: sessions.Visit, kind: EvidenceItem.Kind, lines: Iterable[str], *, by: Actor
) -> None:
    """Links, or accounts of the other side: each line is an item of its own, exactly as she typed it."""
    with transaction.atomic():
        for line in lines:
            account = kind == EvidenceItem.Kind.ACCOUNT
            person = people.suspected(visit.report) if account else people.harmed(visit.report)
            evidence.acquire_text(
                kind, line, report=visit.report, person=person, public_key=visit.public_key, by=by
            )
        news.note(visit.report)


def open_file_group(visit: sessions.Visit, shown_adult: str, *, by: Actor) -> FileGroup:
    """The age question for the files that come next; its answer opens the way for bytes or keeps it shut."""
    with transaction.atomic():
        group = FileGroup.objects.create(
            report=visit.report,
            person=people.harmed(visit.report),
            shown_adult=seal_record({"value": shown_adult}, visit.public_key),
        )
        record(
            visit.report.pk,
            "files:age_answered",
            actor=by,
            detail={"group": group.id, "answer": shown_adult},
        )
    return group


def change_file_group(
    visit: sessions.Visit, group: FileGroup, shown_adult: str, *, by: Actor
) -> None:
    """She corrects the age answer of a group. Anything but yes quarantines what the group already holds."""
    with transaction.atomic():
        Report.objects.select_for_update().get(pk=visit.report.pk)  # the lock `keep_file` takes
        group.shown_adult = seal_record({"value": shown_adult}, visit.public_key)
        group.save(update_fields=["shown_adult"])
        news.note(visit.report)
        record(
            visit.report.pk,
            "files:age_answered",
            actor=by,
            detail={"group": group.id, "answer": shown_adult},
        )
        if shown_adult != people.YES:
            for item in EvidenceItem.objects.filter(group=group):
                evidence.quarantine(item, reason="the age answer of its files changed", by=by)


def add_file(
    visit: sessions.Visit, group: FileGroup, name: str, chunks: Iterable[bytes], *, by: Actor
) -> EvidenceItem:
    """Seal and keep one file from a source that can be pulled; what the upload pool does with one that is pushed.

    Raises people.BytesNotTaken before a byte is read, VaultFull (nothing is kept then).
    """
    people.check_may_send_files(visit, group)
    vault_name = secrets.token_hex(16)
    sealer = Sealer(evidence.store().stage(vault_name), visit.public_key)
    try:
        for chunk in chunks:
            sealer.write(chunk)
        sealed = sealer.finish()
    except BaseException:
        sealer.discard()
        raise
    return keep_file(visit, group, sealed, vault_name=vault_name, file_name=name, by=by)


def keep_file(
    visit: sessions.Visit,
    group: FileGroup,
    sealed: Sealed,
    *,
    vault_name: str,
    file_name: str,
    by: Actor,
) -> EvidenceItem:
    """A complete file, durable in the vault: the age question is asked once more under the report's lock, so that no answer
    changes in between. Raises people.BytesNotTaken, and then nothing of it is kept."""
    try:
        with transaction.atomic():
            Report.objects.select_for_update().get(pk=visit.report.pk)
            people.check_may_send_files(visit, FileGroup.objects.get(pk=group.pk))
            news.note(visit.report)
            return evidence.acquire(
                sealed,
                group,
                vault_name=vault_name,
                file_name=file_name,
                public_key=visit.public_key,
                by=by,
            )
    except people.BytesNotTaken:
        evidence.store().remove(vault_name)
        raise


def _note_incidents(report: Report, types: Iterable[str]) -> None:
    """One for each kind of harm she named, at sending or later; what she named before stays."""
    there = set(Incident.objects.filter(report=report).values_list("reported_type", flat=True))
    harmed = people.harmed(report)
    Incident.objects.bulk_create(
        Incident(report=report, person=harmed, reported_type=code)
        for code in types
        if code not in there
    )


def _quarantine_if_a_child_may_be_shown(visit: sessions.Visit, *, by: Actor) -> None:
    answers = people.latest_answers(visit.report, visit.secret)
    if answers.get("age") == people.ADULT and answers.get("who") != "bystander":
        return
    for item in EvidenceItem.objects.filter(report=visit.report, kind=EvidenceItem.Kind.FILE):
        evidence.quarantine(item, reason="an answer says that a child may be shown", by=by)


def submit(visit: sessions.Visit, *, by: Actor = REPORTER) -> Receipt:
    """Send. Everything is committed and durable when this returns; a second call returns the same receipt."""
    answers = people.latest_answers(visit.report, visit.secret)
    types = [code for code in answers.get("what") or [] if code]
    if not types and not answers.get("words"):
        raise NothingToSend
    with transaction.atomic(durable=True):
        report = Report.objects.select_for_update().get(pk=visit.report.pk)
        if report.state != Report.State.DRAFT:
            return Receipt.objects.get(report=report)
        _note_incidents(report, types or ["not_said"])
        for public_key in office_public_keys():
            OfficeWrap.objects.create(
                subject=report.id,
                public_key=public_key,
                wrapped=keys.wrap(visit.secret, public_key),
            )
        report.state = Report.State.RECEIVED
        report.submitted_at = timezone.now()
        report.save(update_fields=["state", "submitted_at"])
        manifest = manifest_of(report)
        commitment = hashlib.sha256(rfc8785.dumps(manifest)).hexdigest()
        recorded = record(
            report.id, "report:submitted", actor=by, detail={"manifest_sha256": commitment}
        )
        return receipts.issue(report, recorded, manifest=manifest)


def manifest_of(report: Report) -> dict[str, Any]:
    """What was in the report when it was sent: ids with the SHA-256 of what is stored, nothing she wrote."""
    answers = Answer.objects.filter(report=report).order_by("id").values_list("id", "sealed")
    items = EvidenceItem.objects.filter(report=report).order_by("id")
    return {
        "answers": [[pk, hashlib.sha256(sealed).hexdigest()] for pk, sealed in answers],
        "items": [
            [item.id, item.ciphertext_sha256 or hashlib.sha256(item.acquisition).hexdigest()]
            for item in items
        ],
    }


def office_public_keys() -> list[keys.PublicKey]:
    """The office's public keys, one a line. Two at least in production: the working key and the paper one."""
    lines = Path(settings.OFFICE_PUBLIC_KEYS_FILE).read_text().split()
    return [keys.PublicKey(line) for line in lines if line.startswith("age1")]
