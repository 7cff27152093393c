"""What verify.sh makes of an honest package, of the wrong keys and times, and of a machine that
cannot check."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases import certificates
from cases.exports import build, readable
from cases.operations import ceremony
from reporting import acts
from reporting.custody import checkpoints
from tests.attacks import forgery
from tests.attacks.forgery import LEDGER, Forgery
from tests.attacks.genuine import Genuine

# The mark makes a database for the run; an attack itself touches none.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


def test_an_honest_package_holds(forged: Forgery) -> None:
    done = forged.verified()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The record lies under a checkpoint by the key in your LEDGER.pub." in done.stdout
    assert "consent to this hand-over is signed with the reporter's own key" in done.stdout


def test_a_package_on_an_order_holds_whatever_its_words(genuine: Genuine) -> None:
    done = forgery.verify(genuine.ordered, genuine.keys)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "consent to this hand-over" not in done.stdout


def test_without_the_ledgers_key_it_says_that_the_key_is_the_packages_own(forged: Forgery) -> None:
    done = forged.verified(ledger=False)
    assert done.returncode == 0, done.stdout
    assert "the ledger's key was taken from the package itself" in done.stdout


def test_a_package_signed_again_without_a_change_holds(forged: Forgery) -> None:
    """Otherwise every attack below would be found for a wrong reason."""
    forged.sign()
    assert forged.verified().returncode == 0


@pytest.mark.parametrize("name", ["SUMMARY.pdf", "data/reports/report.pdf"])
def test_what_no_script_can_make_anew_is_named_as_not_checked(forged: Forgery, name: str) -> None:
    forged.path(name).write_bytes(b"%PDF-1.4 somebody innocent did it")
    forged.sign()
    (said,) = forged.verified().stdout.partition("NOT CHECKED against the record")[2:]
    assert name in said


def test_another_script_in_the_package_is_named(forged: Forgery) -> None:
    assert "Do not run it" not in forged.verified().stdout
    forged.path("verify.sh").write_text("echo VERIFIED\n")
    forged.sign()
    assert "verify.sh in the package is another script than this one" in forged.verified().stdout


def test_the_verifier_writes_out_the_same_characters_as_the_package() -> None:
    lines = [line for line in forgery.SCRIPT.read_text().splitlines() if line[:8] == 'unseen="']
    written = " ".join(line[8:-1].removeprefix("$unseen ") for line in lines)
    assert written == readable.UNSEEN


# --- a record of the thief's own ---


def _to_2020(row: dict[str, Any]) -> None:
    row["at"] = f"2020{row['at'][4:]}"


def _packed_in_2020(forged: Forgery) -> None:
    packed = forged.rows()[forged.numbers("package:built")[-1] - 1]["at"]
    forged.bag_info("Bagging-Date", packed[:10])


def test_a_record_re_dated_under_the_thiefs_own_ledger_key_is_not_the_ledgers(
    forged: Forgery,
) -> None:
    forged.rewrite_ledger(_to_2020, key=Ed25519PrivateKey.generate())
    _packed_in_2020(forged)
    forged.sign()
    assert "Layer: reporter's signature" in forged.verified(ledger=False).stdout


def test_not_even_the_ledgers_own_key_re_dates_what_the_reporter_signed(
    forged: Forgery, genuine: Genuine
) -> None:
    forged.rewrite_ledger(_to_2020, key=checkpoints.private_key(genuine.keys / "checkpoint.key"))
    _packed_in_2020(forged)
    forged.sign()
    assert "Layer: reporter's signature" in forged.verified().stdout


def test_what_the_reporter_signed_at_another_time_is_not_signed(
    forged: Forgery, genuine: Genuine
) -> None:
    """The links up to the reporter's last act stay as they were, so that only its time tells."""
    last = max(row["seq"] for row in forged.rows() if row["door"] == "public")

    def moved(row: dict[str, Any]) -> None:
        if row["seq"] >= last:
            at = datetime.fromisoformat(row["at"]) + timedelta(seconds=303)
            row["at"] = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    forged.rewrite_ledger(moved, key=checkpoints.private_key(genuine.keys / "checkpoint.key"))
    time.sleep(4)  # the act of packing may be five minutes younger than the stamp, not more
    forged.sign()
    assert f"Layer: reporter's signature ({LEDGER}/{last:08d}.json)" in forged.verified().stdout


def test_a_checkpoint_by_another_key_than_the_one_named_is_refused(
    forged: Forgery, genuine: Genuine
) -> None:
    """The rows are the true ones, so that only the key tells."""
    leaf = hashlib.sha256(b"\0" + genuine.acts[-1].canonical.encode()).hexdigest()
    forged.checkpoint(Ed25519PrivateKey.generate(), leaf)
    forged.sign()
    assert forged.verified(ledger=False).returncode == 0
    assert "Layer: checkpoint (not by the key in LEDGER.pub)" in forged.verified().stdout


def test_one_person_alone_cannot_prepare_and_approve(forged: Forgery, genuine: Genuine) -> None:
    (preparer,) = [row["actor"] for row in forged.rows() if row["event"] == "referral:prepared"]

    def by_one(row: dict[str, Any]) -> None:
        if row["event"] == "referral:approved":
            row["actor"] = preparer

    forged.rewrite_ledger(by_one, key=checkpoints.private_key(genuine.keys / "checkpoint.key"))
    forged.sign()
    assert "Layer: referral (prepared and approved by one person)" in forged.verified().stdout


def test_every_act_of_the_public_door_is_signed_or_is_named_as_one_that_is_not() -> None:
    not_signed = {act.name for act in acts.ALL if "public" in act.doors and not act.signed}
    (line,) = [line for line in forgery.SCRIPT.read_text().splitlines() if "grep -vE ' (" in line]
    assert set(line.split("(")[1].split(")")[0].split("|")) == not_signed


# --- time ---


def test_a_stamp_from_the_future_is_refused(forged: Forgery) -> None:
    forged.sign(stamped=forgery.utc(2028, 1, 1))
    assert "Layer: time stamp (Jan  1 00:00:00 2028 GMT lies in the future" in (
        forged.verified().stdout
    )


def test_a_stamp_older_than_the_act_of_packing_is_refused(
    forged: Forgery, genuine: Genuine
) -> None:
    """The act is moved instead of the stamp: no certificate of the run is older than minutes."""

    def packed_later(row: dict[str, Any]) -> None:
        if row["event"] == "package:built":
            row["at"] = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    key = checkpoints.private_key(genuine.keys / "checkpoint.key")
    forged.rewrite_ledger(packed_later, key=key)
    forged.sign()
    assert "Layer: time stamp (older than the act of packing)" in forged.verified().stdout


def test_a_consent_that_had_expired_at_the_stamp_is_none(forged: Forgery, tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=200)
    forged.sign(stamped=later)
    clock = tmp_path / "date"
    clock.write_text(f"#!/bin/sh\necho {int(later.timestamp())}\n")
    clock.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = forged.verified(environment={"PATH": path})
    assert "Layer: consent (expired" in done.stdout


# --- certificates of another kind ---


@pytest.mark.parametrize("kind", ["tsa", "ca"])
def test_a_certificate_of_another_kind_signs_no_package(forged: Forgery, kind: str) -> None:
    forged.sign(kind=kind)
    assert "Layer: seal (its certificate is not one for packages)" in forged.verified().stdout


def test_a_certificate_for_receipts_signs_no_package(
    forged: Forgery, genuine: Genuine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a P-256 key, because no CMS library here signs with the Ed25519 key of a real one."""
    forged.keys = _issued("receipt", genuine.keys, tmp_path, monkeypatch)
    forged.sign(kind="receipt")
    assert "Layer: seal (its certificate is not one for packages)" in forged.verified().stdout


def _issued(kind: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keys, with a P-256 key and certificate of a kind in place of the true ones."""
    of_kind = certificates.KINDS[kind]
    monkeypatch.setitem(
        certificates.KINDS,
        kind,
        replace(of_kind, make_key=lambda: ec.generate_private_key(ec.SECP256R1())),
    )
    folder = tmp_path / "keys"
    shutil.copytree(keys, folder)
    for path in folder.glob(f"{kind}.*"):
        path.unlink()
    certificates.CertificateAuthority.load(keys).issue(folder, kind)
    return folder


@pytest.mark.parametrize("kind", ["package", "ca"])
def test_a_certificate_of_another_kind_stamps_no_time(
    forged: Forgery, genuine: Genuine, kind: str
) -> None:
    forged.sign()
    stamp = forged.path("seal/tagmanifest.p7s.tsr").read_bytes()
    forged.path("seal/tagmanifest.p7s.tsr").write_bytes(
        forgery.restamped(
            stamp,
            forgery.private_key(genuine.keys / f"{kind}.key"),
            certificate=(genuine.keys / f"{kind}.pem").read_bytes(),
        )
    )
    assert "Layer: time stamp" in forged.verified().stdout


def test_a_ca_that_only_the_system_trusts_counts_for_nothing(
    forged: Forgery, tmp_path: Path
) -> None:
    store, other = tmp_path / "store", tmp_path / "other"
    ceremony.hold(other, operator="Public web")
    store.mkdir()
    shutil.copy(other / "ca.pem", store)
    subprocess.run(["openssl", "rehash", str(store)], check=True, capture_output=True)
    mine, forged.keys = forged.keys, other
    forged.manifests()
    shutil.copy(mine / "tsa.key", other / "mine.key")
    shutil.copy(mine / "tsa.pem", other / "mine.pem")
    forged.sign(tsa="mine")
    forged.keys = mine
    trusted = {"SSL_CERT_DIR": str(store), "SSL_CERT_FILE": str(other / "ca.pem")}
    done = forged.verified(environment=trusted)
    assert "Layer: seal (changed, or not signed under your CA.pem)" in done.stdout


def _ended(kind: str, keys: Path, path: Path) -> Path:
    certificate = x509.load_pem_x509_certificate((keys / f"{kind}.pem").read_bytes())
    authority = certificates.CertificateAuthority.load(keys)
    authority.end(path, certificate.serial_number, x509.ReasonFlags.key_compromise)
    return path


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("package", "seal (its certificate was ended on"),
        ("tsa", "time stamp (the certificate of its authority was ended"),
    ],
)
def test_what_an_ended_certificate_signs_is_refused(
    forged: Forgery, genuine: Genuine, tmp_path: Path, kind: str, layer: str
) -> None:
    ended = _ended(kind, genuine.keys, tmp_path / "ended.crl")
    time.sleep(1.1)  # a stamp has whole seconds
    forged.sign()
    assert f"Layer: {layer}" in forged.verified(more=(ended,)).stdout


def test_what_was_stamped_before_its_certificate_ended_still_holds(
    forged: Forgery, genuine: Genuine, tmp_path: Path
) -> None:
    ended = _ended("package", genuine.keys, tmp_path / "ended.crl")
    done = forged.verified(more=(ended,))
    assert done.returncode == 0, done.stdout
    assert "no list of ended certificates" not in done.stdout


def test_the_worker_does_not_begin_with_a_certificate_of_another_kind(settings: Any) -> None:
    settings.PACKAGE_CERTIFICATE_FILE = settings.TSA_CERTIFICATE_FILE
    with pytest.raises(certificates.WrongPurpose, match="packages"):
        build.signer_from_settings()


def test_the_worker_does_not_stamp_with_a_certificate_of_another_kind(settings: Any) -> None:
    settings.TSA_CERTIFICATE_FILE = settings.PACKAGE_CERTIFICATE_FILE
    with pytest.raises(certificates.WrongPurpose, match="time stamps"):
        build.signer_from_settings()


def test_the_verifier_knows_the_purposes_of_certificates(held: ceremony.Held) -> None:
    assert f"package_purpose={certificates.KINDS['package'].purpose.dotted_string}\n" in (
        forgery.SCRIPT.read_text()
    )
    for kind in certificates.KINDS:
        pem = (held.folder / f"{kind}.pem").read_bytes()
        certificates.check_purpose(x509.load_pem_x509_certificate(pem), kind)


# --- what this machine cannot do, and what was named wrongly ---


def _tools(folder: Path, *, without: str) -> str:
    """A PATH with every program the verifier uses but one."""
    folder.mkdir()
    for tool in [
        "sh",
        "sed",
        "grep",
        "sort",
        "uniq",
        "find",
        "cmp",
        "od",
        "head",
        "tail",
        "tr",
        "cat",
        "wc",
        "mktemp",
        "date",
        "openssl",
        "rm",
        "mv",
        "mkdir",
        "sha256sum",
        "sha512sum",
    ]:
        found = shutil.which(tool)
        assert found
        if tool != without:
            (folder / tool).symlink_to(found)
    return str(folder)


@pytest.mark.parametrize("tool", ["sha256sum", "openssl", "grep", "find", "date"])
def test_a_missing_tool_is_no_word_about_the_package(
    forged: Forgery, tmp_path: Path, tool: str
) -> None:
    done = forged.verified(environment={"PATH": _tools(tmp_path / "bin", without=tool)})
    assert done.returncode == 3, done.stdout + done.stderr
    assert tool in done.stdout
    assert "NOT VALID" not in done.stdout


@pytest.mark.parametrize("missing", ["-rawin", "-attime", "-no-CAstore"])
def test_an_old_openssl_is_no_word_about_the_package(
    forged: Forgery, tmp_path: Path, missing: str
) -> None:
    tools = _tools(tmp_path / "bin", without="openssl")
    old = Path(tools, "openssl")
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *{missing}*) echo "Unrecognized flag" >&2; exit 1 ;; esac\n'
        f'{shutil.which("openssl")} "$@" 2>&1 | grep -v -e "{missing}"\n'
    )
    old.chmod(0o755)
    done = forged.verified(environment={"PATH": tools})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "CANNOT BE CHECKED HERE" in done.stdout


@pytest.mark.parametrize("ca", ["package.pem", "checkpoint.pub", "missing.pem"])
def test_a_wrong_ca_file_is_wrong_use(forged: Forgery, genuine: Genuine, ca: str) -> None:
    done = forged.verified(ca=genuine.keys / ca)
    assert done.returncode == 2
    assert "NOT VALID" not in done.stdout


def test_a_folder_that_is_no_package_is_wrong_use(genuine: Genuine, tmp_path: Path) -> None:
    assert forgery.verify(tmp_path, genuine.keys).returncode == 2


def test_a_file_that_is_no_key_is_wrong_use(forged: Forgery, genuine: Genuine) -> None:
    done = forged.verified(ledger=False, more=(genuine.keys / "lookup.key",))
    assert done.returncode == 2


def test_a_file_of_the_readers_own_machine_is_named(forged: Forgery) -> None:
    forged.path(".DS_Store").write_bytes(b"\0")
    done = forged.verified()
    assert ".DS_Store is not part of the package" in done.stdout
