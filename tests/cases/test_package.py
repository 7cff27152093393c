"""From a report to a package that outside tools accept, and in which any change is found."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyhanko.pdf_utils.reader import PdfFileReader

from cases.casework import examination
from cases.exports import build
from cases.models import Package, Referral
from cases.referrals import disclosure, emergency
from cases.triage import decisions, queue
from reporting import consent, evidence, harms, intake, questions
from reporting.actors import REPORTER
from reporting.custody.models import CustodyDetail
from reporting.custody.timestamps import TimeStampAuthority
from reporting.models import Consent, PartnerOffer
from reporting.vault import keys
from tests import factories
from tests.cases.office import PHOTO, Office, sequencing
from tests.conftest import count

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


@pytest.fixture
def unpacked(office: Office, tmp_path: Path) -> Path:
    return office.unpacked(office.package(), tmp_path)


def verify(package: Path, ca: Path) -> subprocess.CompletedProcess[str]:
    command = ["dash" if shutil.which("dash") else "sh", str(package / "verify.sh"), str(ca)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )


def test_outside_tools_accept_it(unpacked: Path, settings: Any, tmp_path: Path) -> None:
    ca = settings.CA_CERTIFICATE_FILE
    done = verify(unpacked, ca)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("VERIFIED-OPERATOR-TIME")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bagit", "--validate", str(unpacked)],
        check=True,
        capture_output=True,
    )
    for command in (
        "sha256sum -c manifest-sha256.txt",
        f"openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s -content tagmanifest-sha256.txt -CAfile {ca} -purpose any -out /dev/null",
        f"openssl ts -verify -data seal/tagmanifest.p7s -in seal/tagmanifest.p7s.tsr -CAfile {ca}",
    ):
        subprocess.run(command.split(), cwd=unpacked, check=True, capture_output=True)


def test_the_original_is_byte_for_byte_what_came_in(unpacked: Path) -> None:
    assert (unpacked / "data/exhibits/E0001/original.jpg").read_bytes() == PHOTO
    record = json.loads((unpacked / "data/exhibits/E0001/exhibit.json").read_text())
    assert record["sha256"] == record["sha256_at_receipt"]
    assert record["original_name"] == "holiday ä%0A.JPG"


def test_what_she_told_for_her_safety_stays_with_us(unpacked: Path) -> None:
    statement = (unpacked / "data/statement/statement.txt").read_text()
    assert "They want 500 by Friday" in statement
    assert "Are you safe right now?" not in statement
    withheld = json.loads((unpacked / "data/case/withheld.json").read_text())["withheld"]
    (safe,) = [one for one in withheld if "Are you safe right now?" in one["what"]]
    recorded = b"".join(
        path.read_bytes() for path in (unpacked / "data/custody/ledger").glob("*.detail")
    )
    assert safe["commitment"].split()[1].rstrip(",").encode() in recorded


def test_every_flipped_bit_is_found(unpacked: Path, settings: Any) -> None:
    files = sorted(
        path for path in unpacked.rglob("*") if path.is_file() and path.name != "verify.sh"
    )
    chance = random.Random(11)
    for path in files if count(1, 0) else chance.sample(files, 30):
        original = path.read_bytes()
        for _ in range(count(3, 1)):
            broken = bytearray(original)
            place = chance.randrange(len(broken) * 8)
            broken[place // 8] ^= 1 << place % 8
            path.write_bytes(broken)
            done = verify(unpacked, settings.CA_CERTIFICATE_FILE)
            assert done.returncode == 1, (path, place, done.stdout)
        path.write_bytes(original)
    assert verify(unpacked, settings.CA_CERTIFICATE_FILE).returncode == 0


def _rewrite_manifests(package: Path) -> None:
    """What a forger without the signing key can do: make every manifest fit again."""
    for algorithm in ("sha256", "sha512"):
        listed = sorted(
            str(path.relative_to(package))
            for path in (package / "data").rglob("*")
            if path.is_file()
        )
        with (package / f"manifest-{algorithm}.txt").open("w") as out:
            subprocess.run([f"{algorithm}sum", *listed], cwd=package, stdout=out, check=True)
    tags = [
        line.split("  ")[1]
        for line in (package / "tagmanifest-sha256.txt").read_text().splitlines()
    ]
    with (package / "tagmanifest-sha256.txt").open("w") as out:
        subprocess.run(["sha256sum", *tags], cwd=package, stdout=out, check=True)


def test_structural_attacks_are_refused_by_the_layer_they_hit(
    unpacked: Path, settings: Any, tmp_path: Path
) -> None:
    ca = settings.CA_CERTIFICATE_FILE

    def attacked(name: str) -> Path:
        shutil.copytree(unpacked, tmp_path / name)
        return tmp_path / name

    extra = attacked("extra")
    (extra / "data/exhibits/E0002.txt").write_text("planted")
    assert "payload files" in verify(extra, ca).stdout
    missing = attacked("missing")
    (missing / "data/custody/ledger/00000002.detail").unlink()
    assert "payload files" in verify(missing, ca).stdout
    swapped = attacked("swapped")
    (swapped / "data/exhibits/E0001/original.jpg").write_bytes(b"other")
    _rewrite_manifests(swapped)
    assert "seal" in verify(swapped, ca).stdout
    removed = attacked("removed")
    for path in (removed / "data/custody/ledger").glob("00000003.*"):
        path.unlink()
    _rewrite_manifests(removed)
    assert "seal" in verify(removed, ca).stdout
    other_ca = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", str(other_ca), "-subj", "/CN=x"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert "time stamp" in verify(unpacked, other_ca).stdout
    stamp = attacked("stamp")
    (stamp / "seal/tagmanifest.p7s.tsr").write_bytes(
        TimeStampAuthority.from_settings().stamp(b"another document")
    )
    assert "time stamp" in verify(stamp, ca).stdout


def _sealed_anew(package: Path) -> Path:
    """What the operator himself could do, or a thief of the package key: every manifest and the seal fit again."""
    _rewrite_manifests(package)
    signer, tags = build.signer_from_settings(), (package / "tagmanifest-sha256.txt").read_bytes()
    signature = signer.sign(tags)
    (package / "seal/tagmanifest.p7s").write_bytes(signature)
    (package / "seal/tagmanifest.p7s.tsr").write_bytes(signer.stamp(signature))
    return package


def _an_act_left_out(package: Path) -> None:
    ledger = package / "data/custody/ledger"
    numbers = [int(path.stem) for path in sorted(ledger.glob("*.json"))]
    for number in numbers[2:]:
        for ending in ("json", "detail", "tlog-proof"):
            later = ledger / f"{number + 1:08d}.{ending}"
            (ledger / f"{number:08d}.{ending}").unlink(missing_ok=True)
            if later.exists():
                later.rename(ledger / f"{number:08d}.{ending}")


def _an_act_rewritten(package: Path) -> None:
    path = package / "data/custody/ledger/00000003.json"
    path.write_text(path.read_text().replace('"actor":"reporter"', '"actor":"somebody"'))


def _a_detail_swapped(package: Path) -> None:
    ledger = package / "data/custody/ledger"
    (ledger / "00000002.detail").write_bytes((ledger / "00000003.detail").read_bytes())


def _the_end_cut_off(package: Path) -> None:
    ledger = package / "data/custody/ledger"
    last = max(path.stem for path in ledger.glob("*.json"))
    proof = (ledger / f"{last}.tlog-proof").read_bytes()
    for path in ledger.glob(f"{last}.*"):
        path.unlink()
    (ledger / f"{int(last) - 1:08d}.tlog-proof").write_bytes(proof)


def _a_checkpoint_of_our_own(package: Path) -> None:
    custody = package / "data/custody"
    key = Ed25519PrivateKey.generate()
    body = (custody / "checkpoint.body").read_bytes().replace(b"test.example", b"fake.example")
    (custody / "checkpoint.body").write_bytes(body)
    (custody / "checkpoint.sig").write_bytes(key.sign(body))


def _a_consent_reworded(package: Path) -> None:
    path = package / "data/consent/consent.json"
    path.write_text(path.read_text().replace("hand over a full package", "hand over everything"))


def _a_consent_by_somebody_else(package: Path) -> None:
    key = Ed25519PrivateKey.generate()
    signature = key.sign((package / "data/consent/consent.json").read_bytes())
    (package / "data/consent/consent.sig").write_bytes(signature)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (package / "data/consent/key.pem").write_bytes(pem)


@pytest.mark.parametrize(
    ("attack", "layer"),
    [
        (_an_act_left_out, "custody record"),
        (_an_act_rewritten, "custody record"),
        (_a_detail_swapped, "custody record"),
        (_the_end_cut_off, "inclusion proof"),
        (_a_checkpoint_of_our_own, "checkpoint"),
        (_a_consent_reworded, "consent"),
        (_a_consent_by_somebody_else, "consent"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_whoever_holds_the_seal_cannot_forge_the_record_or_her_consent(
    unpacked: Path, settings: Any, attack: Callable[[Path], None], layer: str
) -> None:
    assert (
        "signed with the reporter's own key"
        in verify(unpacked, settings.CA_CERTIFICATE_FILE).stdout
    )
    attack(unpacked)
    assert f"Layer: {layer}" in verify(_sealed_anew(unpacked), settings.CA_CERTIFICATE_FILE).stdout


def test_a_partner_learns_nothing_of_other_recipients_or_of_how_the_office_sorts(
    office: Office, settings: Any, tmp_path: Path
) -> None:
    other = factories.partner_key(keys.new_secret(), by=office.worker, checked_by=office.supervisor)
    queue.assess(office.visit.report)
    decisions.override_band(office.visit.report, 0, "canary of the office", by=office.worker)
    offer = PartnerOffer.objects.get(partner=other.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER, by=REPORTER)
    emergency.tell(
        office.case,
        office.visit.report,
        told_to="a",
        called_back="b",
        said="c",
        threat_to_life=True,
        by=office.worker,
    )
    unpacked = office.unpacked(office.package(), tmp_path)
    everything = b"".join(
        path.read_bytes()
        for path in sorted(unpacked.rglob("*"))
        if path.is_file() and path.suffix != ".pdf"
    )
    for private in (other.partner_id, "canary of the office", "demand", "emergency:told"):
        assert private.encode() not in everything, private
    done = verify(unpacked, settings.CA_CERTIFICATE_FILE)
    assert done.returncode == 0, done.stdout
    assert "the details of 4 withheld" in done.stdout
    withheld = json.loads((unpacked / "data/case/withheld.json").read_text())["withheld"]
    assert {one["why"] for one in withheld if "detail of act" in one["what"]} == {
        "it concerns another recipient", "how the office sorts its work"
    }  # fmt: skip


def test_an_exhibit_says_when_the_office_had_looked_at_it(office: Office, tmp_path: Path) -> None:
    examination.reveal(office.file, "to see the threat", by=office.worker)
    record = json.loads(
        (
            office.unpacked(office.package(), tmp_path) / "data/exhibits/E0001/exhibit.json"
        ).read_text()
    )
    assert len(record["looked_at_by_the_office_utc"]) == 1
    assert record["media_type_by_name"] == "image/jpeg"


def test_a_package_on_a_legal_basis_says_which_and_holds_no_consent(
    office: Office, settings: Any, tmp_path: Path
) -> None:
    referral = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words="order 7 of 2026")
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        unpacked = office.unpacked(disclosure.package(referral), tmp_path)
    assert verify(unpacked, settings.CA_CERTIFICATE_FILE).returncode == 0
    assert not (unpacked / "data/consent").exists()
    assert (
        "An order of a court or prosecutor: order 7 of 2026"
        in (unpacked / "bag-info.txt").read_text()
    )


def test_what_she_added_later_stands_beside_her_first_account(
    office: Office, tmp_path: Path
) -> None:
    intake.answer(office.visit, questions.BY_KEY["words"], "He wrote again today.", by=REPORTER)
    unpacked = office.unpacked(office.package(), tmp_path)
    text = (unpacked / "data/statement/statement.txt").read_text()
    assert "They want 500 by Friday" in text
    assert "He wrote again today." in text
    answers = json.loads((unpacked / "data/statement/statement.json").read_text())["answers"]
    assert [one["added_after_sending"] for one in answers if one["question"] == "words"] == [
        False,
        True,
    ]


def test_the_summary_is_one_page_however_much_she_wrote(
    running_opener: None, tmp_path: Path
) -> None:
    wide = {"what": list(harms.BY_CODE), "words": "WWWW MMM\n" * 900, "deadline": "WWWW " * 200}
    office = Office(
        {**factories.ADULT_EXTORTION, **wide},
        lines=[f"https://social.example/{'W' * 400}{number}" for number in range(40)],
    )
    words = "ORDER " * 60
    referral = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words=words)
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        unpacked = office.unpacked(disclosure.package(referral), tmp_path)
    with (unpacked / "SUMMARY.pdf").open("rb") as source:
        assert PdfFileReader(source).root["/Pages"]["/Count"] == 1


def test_a_changed_object_in_the_vault_stops_the_package(office: Office, settings: Any) -> None:
    (path,) = Path(settings.VAULT_DIR).glob(f"??/{office.file.vault_name}")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    before = evidence.store().names()
    with pytest.raises(evidence.HashMismatch):
        office.package()
    assert evidence.store().names() == before
    assert not Package.objects.exists()


def test_a_swapped_detail_of_the_ledger_stops_the_package(office: Office) -> None:
    first, second = CustodyDetail.objects.filter(
        event__subject=office.visit.report.pk, founding=""
    ).order_by("event_id")[:2]
    CustodyDetail.objects.filter(pk=first.pk).update(sealed=second.sealed)
    with pytest.raises(evidence.HashMismatch, match="not the one that was recorded"):
        office.package()


def test_a_locked_file_is_in_no_package(office: Office) -> None:
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    evidence.quarantine(office.file, reason="test", by=office.worker.actor)
    with sequencing():
        package = disclosure.package(referral)
    with zipfile.ZipFile(io.BytesIO(office.unlocked(package))) as archive:
        assert not [name for name in archive.namelist() if "/exhibits/" in name]
        (withheld,) = [name for name in archive.namelist() if name.endswith("withheld.json")]
        assert "locked" in archive.read(withheld).decode()


def test_nothing_unlocked_is_left_on_the_disk(
    office: Office, tmp_path: Path, settings: Any
) -> None:
    office.package()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert PHOTO[:64] not in path.read_bytes()
            assert b"BagIt-Version" not in path.read_bytes()
