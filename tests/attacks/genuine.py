"""Packages as the office builds them, and what a thief of the worker knows besides."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_django
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from cases.casework import examination
from cases.management.commands.opener import _Books
from cases.models import Referral
from cases.operations import ceremony
from cases.referrals import disclosure
from config.doors import FILES
from reporting import consent, evidence, intake, on_record, questions
from reporting.actors import job
from reporting.custody import extract, record
from reporting.models import Consent, PartnerOffer
from reporting.vault import opener
from reporting.vault.keys import Secret, new_secret
from tests import factories
from tests.cases.office import Office, sequencing

_HARD = (
    'order "7"\r\nof 2026\tin C:\\run\n\x1b[31m \u202egpj.exe ünï अ \x7f\x9b \u200b\ufeff\U000e0041'
)

_LINKS = [
    '=HYPERLINK("https://a.example","b")',
    "https://b.example/張\u200b\x9b,\U000e0041",
    ".c d",
]


@dataclass(frozen=True)
class Act:
    """A row of the ledger, the bytes its detail hash covers, its proof under the checkpoint."""

    canonical: str
    plain: bytes
    proof: str


@dataclass(frozen=True)
class Genuine:
    """A package and what a thief of the worker also knows.

    `acts`: all of the report at that time; `later`: the same when the reporter had said no, with
    `no` (statement, signature). `yes_before` was replaced, `yes_to_another` is for another partner.
    `other`: a package of another report; `ordered`: one on an order of a court, with words that are
    hard to carry.
    """

    folder: Path
    keys: Path
    acts: list[Act]
    later: list[Act]
    no: tuple[bytes, bytes]
    yes_before: tuple[bytes, bytes]
    yes_to_another: tuple[bytes, bytes]
    other: Path
    ordered: Path


@contextmanager
def house_open(folder: Path, held: ceremony.Held) -> Iterator[None]:
    """A vault, a log and a running opener outside any one test; then an empty database."""
    record.founding.cache_clear()
    files = {name: held.folder / file.name for name, file in FILES.items()}
    places = {
        "VAULT_DIR": folder / "vault",
        "CHECKPOINTS_LOG": folder / "checkpoints.log",
        "OPENER_SOCKET": folder / "opener",
    }
    with override_settings(
        **files, **places, FREE_SPACE_FLOOR_BYTES=0, OPERATOR_NAME="Test office"
    ):
        keys = [Secret(line) for line in (held.folder / "office.key").read_text().split()]
        serving = (places["OPENER_SOCKET"], _Books(), keys)
        threading.Thread(target=opener.serve, args=serving, daemon=True).start()
        deadline = time.monotonic() + 10
        while not places["OPENER_SOCKET"].exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield
    with (
        connection.cursor() as cursor
    ):  # the opener's thread holds one, which would keep the tables
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    call_command("flush", verbosity=0, interactive=False)


def build(folder: Path, keys: Path) -> Genuine:
    """Two reports handed over; the reporter of the first says no afterwards."""
    office, other = Office(lines=_LINKS), Office()
    intake.answer(office.visit, questions.BY_KEY["words"], _HARD)
    people = {"by": office.worker, "checked_by": office.supervisor}
    another = factories.partner_key(new_secret(), **people)
    yes_to_another = factories.yes(office.visit, another)
    yes_before = Consent.objects.get(
        report=office.visit.report, partner=office.partner_key.partner_id
    )
    factories.yes(office.visit, office.partner_key)
    evidence.measure(office.visit.report, by=job("measure"))
    for person in (office.worker, office.supervisor):
        examination.reveal(office.file, "to see the threat", by=person)
    unpacked = office.unpacked(office.package(), folder / "one")
    acts = _acts(office)
    ordered = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words=_HARD)
    disclosure.approve(ordered, by=office.supervisor)
    with sequencing():
        of_ordered = disclosure.package(ordered)
    of_other = other.unpacked(other.package(), folder / "other")
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    no = consent.give(office.visit, offer, Consent.Answer.NEVER)
    factories.sequence()
    return Genuine(
        folder=unpacked,
        keys=keys,
        acts=acts,
        later=_acts(office),
        no=_signed(no),
        yes_before=_signed(yes_before),
        yes_to_another=_signed(yes_to_another),
        other=of_other,
        ordered=office.unpacked(of_ordered, folder / "ordered"),
    )


def _signed(consent: Consent) -> tuple[bytes, bytes]:
    return consent.statement.encode(), bytes(consent.signature)


def _acts(office: Office) -> list[Act]:
    report = office.visit.report.pk
    chain, known = extract.chain(report), on_record.of(report, office.visit.secret)
    plain = {event.seq: known.plain.get(event.id, b"") for event in known.acts}
    return [
        Act(
            entry.canonical,
            entry.founding.encode() or plain[entry.seq],
            extract.tlog_proof(entry.tree_index, entry.proof, chain.checkpoint),
        )
        for entry in chain.entries
    ]


@pytest.fixture(scope="session")
def genuine(
    django_db_setup: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
    held: ceremony.Held,
) -> Genuine:
    """Built once: an attack changes its own copy, and needs no database."""
    folder = tmp_path_factory.mktemp("genuine")
    with django_db_blocker.unblock(), house_open(folder, held):
        return build(folder, held.folder)
