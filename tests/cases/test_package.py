"""From a report to a package that outside tools accept, and in which any change is found."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from pyhanko.pdf_utils.reader import PdfFileReader

from cases.casework import examination
from cases.exports.formats.verify import SCRIPT
from cases.models import Package, Referral
from cases.referrals import disclosure, emergency
from cases.triage import decisions, queue
from reporting import consent, evidence, harms, intake, questions
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
    """As an officer does it with the script that reached them by another road."""
    shell = "dash" if shutil.which("dash") else "sh"
    keys = [ca, settings.CHECKPOINT_PUBLIC_KEY_FILE]
    return subprocess.run(
        [shell, str(SCRIPT), str(package), *map(str, keys)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )


def test_outside_tools_accept_a_package(unpacked: Path, tmp_path: Path) -> None:
    assert (unpacked / "verify.sh").read_bytes() == SCRIPT.read_bytes()
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
        "openssl cms -verify -binary -inform DER -in seal/tagmanifest.p7s"
        f" -content tagmanifest-sha256.txt -CAfile {ca} -purpose any -out /dev/null",
        f"openssl ts -verify -data seal/tagmanifest.p7s -in seal/tagmanifest.p7s.tsr -CAfile {ca}",
    ):
        subprocess.run(command.split(), cwd=unpacked, check=True, capture_output=True)


def test_the_original_is_byte_for_byte_what_came_in(unpacked: Path) -> None:
    assert (unpacked / "data/exhibits/E0001/original.jpg").read_bytes() == PHOTO
    record = json.loads((unpacked / "data/exhibits/E0001/exhibit.json").read_text())
    assert record["sha256"] == record["sha256_at_receipt"]
    assert record["original_name"] == "holiday ä%0A.JPG"


def test_answers_about_safety_are_withheld(unpacked: Path) -> None:
    statement = (unpacked / "data/statement/statement.txt").read_text()
    assert "They want 500 by Friday" in statement
    assert "Are you safe right now?" not in statement
    withheld = json.loads((unpacked / "data/case/withheld.json").read_text())["withheld"]
    (safe,) = [entry for entry in withheld if "Are you safe right now?" in entry["what"]]
    ledger = (unpacked / "data/custody/ledger").glob("*.json")
    recorded = [json.loads(path.read_text()) for path in ledger]
    answer = safe["commitment"].split()[-1]
    (act,) = [act for act in recorded if act["object"] == answer]
    assert act["event"] == "answer:saved"
    assert not (unpacked / f"data/custody/ledger/{act['seq']:08d}.detail").exists()
    assert answer not in (unpacked / "data/statement/statement.json").read_text()


def test_every_flipped_bit_is_found(unpacked: Path) -> None:
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
    unpacked: Path, tmp_path: Path
) -> None:
    ca = settings.CA_CERTIFICATE_FILE

    def attacked(name: str) -> Path:
        shutil.copytree(unpacked, tmp_path / name)
        return tmp_path / name

    extra = attacked("extra")
    (extra / "data/exhibits/E0002.txt").write_text("planted")
    assert "payload files" in verify(extra, ca).stdout
    missing = attacked("missing")
    (missing / "data/custody/ledger/00000001.detail").unlink()
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
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=x -out"
    subprocess.run([*command.split(), str(other_ca)], check=True, capture_output=True)
    assert "time stamp" in verify(unpacked, other_ca).stdout
    stamp = attacked("stamp")
    (stamp / "seal/tagmanifest.p7s.tsr").write_bytes(
        TimeStampAuthority.from_settings().stamp(b"another document")
    )
    assert "time stamp" in verify(stamp, ca).stdout


def test_a_partner_learns_nothing_of_other_partners_or_of_how_the_office_sorts(
    office: Office, tmp_path: Path
) -> None:
    other = factories.partner_key(keys.new_secret(), by=office.worker, checked_by=office.supervisor)
    queue.assess(office.visit.report)
    decisions.override_band(office.visit.report, 0, "canary of the office", by=office.worker)
    offer = PartnerOffer.objects.get(partner=other.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)
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
    listed = json.loads((unpacked / "data/case/withheld.json").read_text())["withheld"]
    withheld = [entry["why"] for entry in listed if "detail of act" in entry["what"]]
    assert f"the details of {len(withheld)} withheld" in done.stdout
    assert set(withheld) == {
        "it concerns another partner",
        "between the office and the reporter",
    }


def test_an_exhibit_says_when_the_office_had_looked_at_it(office: Office, tmp_path: Path) -> None:
    examination.reveal(office.file, "to see the threat", by=office.worker)
    record = json.loads(
        (
            office.unpacked(office.package(), tmp_path) / "data/exhibits/E0001/exhibit.json"
        ).read_text()
    )
    assert len(record["looked_at_by_the_office_utc"]) == 1


def test_a_package_on_a_legal_basis_says_which_and_holds_no_consent(
    office: Office, tmp_path: Path
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


def test_an_answer_added_later_stands_beside_the_first(office: Office, tmp_path: Path) -> None:
    intake.answer(office.visit, questions.BY_KEY["words"], "He wrote again today.")
    unpacked = office.unpacked(office.package(), tmp_path)
    text = (unpacked / "data/statement/statement.txt").read_text()
    assert "They want 500 by Friday" in text
    assert "He wrote again today." in text
    answers = json.loads((unpacked / "data/statement/statement.json").read_text())["answers"]
    words = [answer for answer in answers if answer["question"] == "words"]
    assert [answer["added_after_sending"] for answer in words] == [False, True]


def test_the_summary_is_one_page_however_long_the_answers(
    running_opener: None, tmp_path: Path
) -> None:
    adult = [harm.code for harm in harms.ALL if not harm.of_children]
    wide = {"what": adult, "words": "Wow Mmmmm\n" * 900, "deadline": "Wwww " * 200}
    office = Office(
        {**factories.ADULT_EXTORTION, **wide},
        lines=[f"https://social.example/{'Wwwww-' * 70}{number}" for number in range(40)],
    )
    words = "ORDER " * 60
    referral = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words=words)
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        unpacked = office.unpacked(disclosure.package(referral), tmp_path)
    with (unpacked / "SUMMARY.pdf").open("rb") as source:
        assert PdfFileReader(source).root["/Pages"]["/Count"] == 1


def test_a_changed_object_in_the_vault_stops_the_package(office: Office) -> None:
    (path,) = Path(settings.VAULT_DIR).glob(f"??/{office.file.vault_name}")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    before = evidence.store().names()
    with pytest.raises(evidence.HashMismatch):
        office.package()
    assert evidence.store().names() == before
    assert not Package.objects.exists()


def test_what_a_swapped_detail_of_the_ledger_was_about_is_left_out_and_named(
    office: Office, tmp_path: Path
) -> None:
    details = CustodyDetail.objects.filter(event__subject=office.visit.report.pk)
    of_file = details.get(event__object=office.file.pk, event__event="evidence:acquired")
    with factories.forging():
        other = details.exclude(pk=of_file.pk).filter(founding="").order_by("pk")[0]
        details.filter(pk=of_file.pk).update(sealed=other.sealed)
    unpacked = office.unpacked(office.package(), tmp_path)
    assert not list((unpacked / "data").glob("exhibits/*"))
    withheld = json.loads((unpacked / "data/case/withheld.json").read_text())["withheld"]
    named = [entry["why"] for entry in withheld if office.file.pk in entry["what"]]
    assert named == ["its detail is not the one that was recorded"]


def test_a_quarantined_file_is_in_no_package(office: Office) -> None:
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    examination.may_show_a_child(office.visit.report, office.file.pk, by=office.worker)
    with sequencing():
        package = disclosure.package(referral)
    with zipfile.ZipFile(io.BytesIO(office.decrypted(package))) as archive:
        assert not [name for name in archive.namelist() if "/exhibits/" in name]
        (withheld,) = [name for name in archive.namelist() if name.endswith("withheld.json")]
        assert "locked" in archive.read(withheld).decode()


def test_no_plaintext_is_left_on_the_disk(office: Office, tmp_path: Path) -> None:
    office.package()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert PHOTO[:64] not in path.read_bytes()
            assert b"BagIt-Version" not in path.read_bytes()
