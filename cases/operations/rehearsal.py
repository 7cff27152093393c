"""A rehearsal before going live: one report from the first answer to the partner's acknowledgement,
through the functions that the screens call.

Each part runs under the database role of its door, so that a missing right is found here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from cases import partners
from cases.casework import examination
from cases.exports.formats.verify import SCRIPT
from cases.models import Case, PartnerKey, Referral
from cases.operations.acting import acting_as
from cases.referrals import disclosure, handover
from cases.reports import reading
from cases.staff.models import StaffMember
from cases.triage import decisions, queue
from reporting import consent, evidence, intake, questions, receipts
from reporting.actors import job
from reporting.models import Consent, EvidenceItem, PartnerOffer, Report
from reporting.vault import age, codes, keys

_CHUNK = 1024**2
_ANSWERS: dict[str, Any] = {
    "safe": "yes",
    "control": "no",
    "who": "me",
    "age": "adult",
    "what": ["financial_extortion"],
    "words": "This is a rehearsal. No person was harmed.",
}


@dataclass
class Summary:
    """What was done, as it is written to summary.json. Times in seconds, hashes SHA-256 in hex."""

    seconds: dict[str, float] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 3)


def run(files: list[Path], out: Path) -> Summary:
    """Write package.zip, package.zip.age, partner-test.key and receipt.txt into `out`, with what a
    partner verifies them by: verify.sh, ca.pem and ledger.pub.

    Raises acting.CannotAct, opener.Refused, gather.NotSequenced, and what the steps raise.
    """
    summary = Summary()
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    create = StaffMember.objects.create_user
    worker = create(f"rehearsal-caseworker-{stamp}", role="caseworker")
    approver = create(f"rehearsal-approver-{stamp}", role="supervisor")
    try:
        with acting_as("public"):
            code = _as_reporter(files, out, summary)
        with acting_as("worker"), summary.step("assess"):
            report = Report.objects.get(pk=summary.ids["report"])
            queue.assess(report)
            evidence.measure(report, by=job("verify"))
        partner_secret = keys.new_secret()
        with acting_as("staff"):
            _take_it_on(worker, approver, partner_secret, summary, stamp)
        with acting_as("public"), summary.step("consent"):
            visit, _token = receipts.redeem(code)
            offer = PartnerOffer.objects.get(pk=summary.ids["partner"])
            consent.give(visit, offer, Consent.Answer.YES)
        with acting_as("staff"):
            referral = _refer(worker, approver, summary)
        with acting_as("worker"), summary.step("build and encrypt"):
            package = disclosure.package(referral)
        summary.hashes["recorded"] = package.encrypted_sha256
        summary.hashes["tagmanifest-sha256.txt"] = package.tagmanifest_sha256
        with acting_as("staff"), summary.step("hand over"):
            collection = handover.by_code(referral, by=worker)
        with acting_as("partner"):
            _as_partner(collection, out, summary)
    finally:
        StaffMember.objects.filter(pk__in=[worker.pk, approver.pk]).update(is_active=False)
    (out / "partner-test.key").touch(mode=0o600)
    (out / "partner-test.key").write_text(partner_secret)
    (out / "verify.sh").write_bytes(SCRIPT.read_bytes())
    (out / "ca.pem").write_bytes(Path(settings.CA_CERTIFICATE_FILE).read_bytes())
    (out / "ledger.pub").write_bytes(Path(settings.CHECKPOINT_PUBLIC_KEY_FILE).read_bytes())
    with (
        summary.step("unlock"),
        (out / "package.zip.age").open("rb") as encrypted,
        (out / "package.zip").open("wb") as decrypted,
    ):
        locked = age.Decryptor([partner_secret])
        while chunk := encrypted.read(_CHUNK):
            decrypted.writelines(locked.update(chunk))
        decrypted.write(locked.finish())
    summary.hashes["package.zip"] = _sha256(out / "package.zip")
    return summary


def _as_reporter(files: list[Path], out: Path, summary: Summary) -> codes.ReturnCode:
    with summary.step("answers"):
        visit = intake.start(language="en").visit
        for key, value in _ANSWERS.items():
            intake.answer(visit, questions.BY_KEY[key], value)
    with summary.step("files"):
        group = intake.open_file_group(visit, "yes")
        for path in files:
            item = intake.add_file(visit, group, path.name, _chunks(path))
            facts = evidence.acquisition(item, visit.secret)
            measured = {"size": facts.size, "sha256": facts.sha256}
            summary.files.append({"item": item.pk, "name": path.name, **measured})
    with summary.step("submit"):
        receipt = intake.submit(visit)
    (out / "receipt.txt").write_text(receipts.as_text(receipt))
    summary.ids["report"] = visit.report.pk
    return visit.code


def _take_it_on(
    worker: StaffMember,
    approver: StaffMember,
    partner_secret: keys.Secret,
    summary: Summary,
    stamp: str,
) -> None:
    report = Report.objects.get(pk=summary.ids["report"])
    with summary.step("read and accept"):
        decisions.take(report, by=worker)
        reading.open_report(report, by=worker)
        summary.ids["case"] = decisions.accept(report, by=worker).pk
    item = EvidenceItem.objects.filter(report=report).order_by("at").first()
    if item:
        with summary.step("look"):
            examination.reveal(item, "rehearsal", by=worker)
    partner = partners.add(
        f"Rehearsal partner {stamp}",
        "police",
        plain_words="A rehearsal: this partner does not exist.",
        reviewed_on=datetime.now(UTC).date(),
        by=approver,
    )
    partner_key = partners.add_key(partner, keys.public_key_of(partner_secret), by=worker)
    partners.check_key(partner_key, by=approver)
    summary.ids |= {"partner": partner.pk, "partner_key": str(partner_key.pk)}


def _refer(worker: StaffMember, approver: StaffMember, summary: Summary) -> Referral:
    with summary.step("refer and approve"):
        report = Report.objects.get(pk=summary.ids["report"])
        referral = disclosure.draft(
            Case.objects.get(pk=summary.ids["case"]),
            report,
            PartnerKey.objects.get(pk=summary.ids["partner_key"]),
            items=[file["item"] for file in summary.files],
            by=worker,
        )
        disclosure.approve(referral, by=approver)
        summary.ids["referral"] = referral.pk
    return referral


def _as_partner(collection: str, out: Path, summary: Summary) -> None:
    with summary.step("collect"):
        handed_over = handover.collected(collection)
        with (
            evidence.store().open(handed_over.vault_name) as encrypted,
            (out / "package.zip.age").open("wb") as copy,
        ):
            while piece := encrypted.read(_CHUNK):
                copy.write(piece)
    summary.hashes["package.zip.age"] = _sha256(out / "package.zip.age")
    with summary.step("acknowledge"):
        handover.answered_by_partner(collection, "received", "rehearsal")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(_CHUNK):
            yield piece


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
