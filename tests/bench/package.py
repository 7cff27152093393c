"""Building a package of 1 GiB, beside `bagit` and `zip -0` over the same files.

Ours begins with an approved referral and ends when the package lies in the vault: the report is
opened, every original decrypted and its SHA-256 computed again, the forms and PDFs written, the bag
signed, encrypted for the partner, and fsynced. The other hashes were taken when the items were
measured and are copied. The yardstick is what people run who make a bag by hand, with the two
hashes that bagit takes by default; it begins with plain files, encrypts nothing and waits for no
disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cases.models import Case, PartnerKey, Referral
from cases.operations.acting import acting_as
from cases.referrals import disclosure
from cases.staff.models import StaffMember
from config.local.office import Office
from reporting import evidence, intake
from reporting.actors import job
from reporting.sessions import Visit
from reporting.vault import keys
from tests import factories, roles
from tests.bench import rounds, say
from tests.bench.files import MIB, write_random

_FILES, _SIZE = 8, 128  # files, MiB each
_WHOLE = _FILES * _SIZE


@dataclass(frozen=True)
class _Prepared:
    """A case whose referral only needs drafting and approving."""

    case: Case
    visit: Visit
    items: list[str]
    partner_key: PartnerKey
    preparer: StaffMember
    approver: StaffMember


def _prepare(originals: list[Path]) -> _Prepared:
    preparer, approver = factories.staff(), factories.staff("supervisor")
    visit = factories.draft()
    group = intake.open_file_group(visit, "yes")
    items = [intake.add_file(visit, group, path.name, _pieces(path)).pk for path in originals]
    intake.submit(visit)
    evidence.measure(visit.report, by=job("verify"))
    case = factories.case(visit, preparer)
    partner_key = factories.partner_key(keys.new_secret(), by=preparer, checked_by=approver)
    factories.yes(visit, partner_key)
    return _Prepared(case, visit, items, partner_key, preparer, approver)


def _approved(prepared: _Prepared) -> Referral:
    referral = disclosure.draft(
        prepared.case,
        prepared.visit.report,
        prepared.partner_key,
        items=prepared.items,
        by=prepared.preparer,
    )
    disclosure.approve(referral, by=prepared.approver)
    return referral


def _build(referral: Referral) -> str:
    """The call under measure, as the worker makes it; the name of the package in the vault."""
    with acting_as("worker"):
        return disclosure.package(referral).vault_name


def run(office: Office, how_many: int) -> list[rounds.Row]:
    office.start("opener", "sequencer")
    roles.install()
    folder = office.folder / "originals"
    folder.mkdir()
    originals = [write_random(folder / f"{number}.bin", _SIZE) for number in range(_FILES)]
    say(f"package: {_FILES} files of {_SIZE} MiB are sealed into one report")
    prepared = _prepare(originals)

    def built() -> float:
        referral = _approved(prepared)
        os.sync()
        began = time.perf_counter()
        name = _build(referral)
        seconds = time.perf_counter() - began
        evidence.store().remove(name)
        return _WHOLE / seconds

    def bagged() -> float:
        bag = office.folder / "bag"
        shutil.copytree(folder, bag, copy_function=os.link)  # bagit moves the files it is given
        os.sync()
        began = time.perf_counter()
        bagit = [sys.executable, "-W", "ignore", "-m", "bagit", "--sha256", "--sha512", str(bag)]
        subprocess.run(bagit, check=True, capture_output=True)
        zipped = ["zip", "-0", "-q", "-r", "bag.zip", bag.name]
        subprocess.run(zipped, check=True, capture_output=True, cwd=office.folder)
        seconds = time.perf_counter() - began
        shutil.rmtree(bag)
        (office.folder / "bag.zip").unlink()
        return _WHOLE / seconds

    ours, yardstick = rounds.interleave(how_many, built, bagged)
    return [
        rounds.compared(
            "package",
            f"{_WHOLE} MiB opened, hashed, signed, encrypted · bagit and zip -0",
            "MiB/s",
            ours=ours,
            yardstick=yardstick,
            goal=rounds.Goal("ratio", "≥", 2),
        )
    ]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(MIB):
            yield piece
