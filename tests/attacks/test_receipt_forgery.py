"""Somebody holds the receipt key, or a certificate of another kind: which receipts are refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management import CommandError, call_command

from cases import certificates
from cases.operations import ceremony
from reporting import receipts
from reporting.custody import checkpoints, extract
from reporting.models import Receipt
from reporting.vault import keys

SCRIPT = Path("reporting/verify-receipt.sh").resolve()
REPORT = "R-000000000000"

pytestmark = [pytest.mark.needs("openssl")]


def _row(at: datetime, /, **other: Any) -> str:
    """The row of an act, by default of sending the report."""
    row: dict[str, Any] = {
        "actor": "reporter",
        "at": _written(at),
        "detail_hash": "00" * 32,
        "detail_sealed_sha256": "00" * 32,
        "door": "public",
        "event": "report:submitted",
        "id": 17,
        "object": REPORT,
        "object_sha256": "00" * 32,
        "previous": "00" * 32,
        "seq": 9,
        "subject": REPORT,
    }
    return rfc8785.dumps(row | other).decode()


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _leaf(row: str) -> str:
    return hashlib.sha256(b"\0" + row.encode()).hexdigest()


def _receipt(folder: Path, *, at: datetime, proof: str = "", **other: Any) -> bytes:
    """What whoever holds the keys in a folder can sign."""
    statement: dict[str, Any] = {
        "version": 1,
        "report": REPORT,
        "public_key": keys.public_key_of(keys.new_secret()),
        "signing_key": "00" * 32,
        "manifest_sha256": "00" * 32,
        "head": {"seq": 9, "leaf": _leaf(_row(at))},
        "at": _written(at),
    }
    body = rfc8785.dumps(statement | other)
    key = load_pem_private_key((folder / "receipt.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    receipt = Receipt(
        body=body.decode(),
        signature=key.sign(body),
        certificate=(folder / "receipt.pem").read_text(),
        proof=proof,
    )
    return receipts.as_text(receipt).encode()


def _proof(folder: Path, row: str) -> str:
    """The act is alone in its tree, so that its leaf is the root."""
    key = checkpoints.private_key(folder / "checkpoint.key")
    signed = checkpoints.sign(
        origin="test.example/ledger", size=1, root=bytes.fromhex(_leaf(row)), key=key
    )
    return extract.tlog_proof(0, [], signed.note, row=row)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verified(tmp_path: Path, held: ceremony.Held) -> Run:
    def run(
        note: bytes, *more: Path, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "note.txt").write_bytes(note)
        shell = shutil.which("dash") or shutil.which("sh") or "sh"
        return subprocess.run(
            [shell, str(SCRIPT), "note.txt", str(held.folder / "ca.pem"), *map(str, more)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], **(environment or {})},
        )

    return run


def test_an_honest_receipt_holds(verified: Run, held: ceremony.Held) -> None:
    done = verified(_receipt(held.folder, at=datetime.now(UTC)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("TAKEN: the office signed that it has report R-000000000000")


def test_an_honest_proof_in_a_tree_of_one_act_holds(verified: Run, held: ceremony.Held) -> None:
    at = datetime.now(UTC)
    note = _receipt(held.folder, at=at, proof=_proof(held.folder, _row(at)))
    done = verified(note, held.folder / "checkpoint.pub")
    assert "CONFIRMED: its sending is recorded in the ledger under a checkpoint of 1 acts" in (
        done.stdout
    )
    assert "was not checked" in verified(note).stdout


def test_another_signature_under_the_checkpoint_is_passed_over(
    verified: Run, held: ceremony.Held
) -> None:
    at, witness = datetime.now(UTC), base64.b64encode(bytes(76)).decode()
    proof = f"{_proof(held.folder, _row(at))}\u2014 witness.example/w {witness}\n"
    note = _receipt(held.folder, at=at, proof=proof)
    assert "CONFIRMED" in verified(note, held.folder / "checkpoint.pub").stdout
    planted = _receipt(held.folder, at=at, proof=f"{proof}planted\n")
    assert "its proof was changed" in verified(planted, held.folder / "checkpoint.pub").stdout


@pytest.mark.parametrize(
    "other",
    [
        {"event": "looks:shown"},
        {"subject": "R-111111111111", "object": "R-111111111111"},
        {"object": "A-000000000000"},
        {"seq": 8},
        {"at": "2026-01-01T00:00:00.000000Z"},
        {"actor": "S-000000000000", "door": "staff"},
    ],
)
def test_a_receipt_is_confirmed_only_by_the_sending_of_its_own_report(
    verified: Run, held: ceremony.Held, other: dict[str, Any]
) -> None:
    """A thief of the receipt key names the leaf of an act that is in the ledger."""
    at = datetime.now(UTC)
    row = _row(at, **other)
    head = {"seq": 9, "leaf": _leaf(row)}
    note = _receipt(held.folder, at=at, proof=_proof(held.folder, row), head=head)
    done = verified(note, held.folder / "checkpoint.pub")
    assert (done.returncode, "CONFIRMED" in done.stdout) == (1, False)
    assert "the act in its proof is not the sending of this report at this time" in done.stdout


def test_a_receipt_is_confirmed_only_by_the_leaf_that_it_names(
    verified: Run, held: ceremony.Held
) -> None:
    at = datetime.now(UTC)
    head = {"seq": 9, "leaf": _leaf("another act")}
    note = _receipt(held.folder, at=at, proof=_proof(held.folder, _row(at)), head=head)
    done = verified(note, held.folder / "checkpoint.pub")
    assert "NOT VALID: it speaks of another act than its proof" in done.stdout


@pytest.mark.parametrize("other", [{"more": "words"}, {"report": 'R-1","report":"R-2'}])
def test_a_receipt_states_nothing_else(
    verified: Run, held: ceremony.Held, other: dict[str, Any]
) -> None:
    done = verified(_receipt(held.folder, at=datetime.now(UTC), **other))
    assert done.stdout == "NOT VALID: its first line is not the statement of a receipt\n"


def test_a_receipt_from_the_future_is_refused(verified: Run, held: ceremony.Held) -> None:
    """Within the life of the certificate, so that only the clock tells."""
    done = verified(_receipt(held.folder, at=datetime.now(UTC) + timedelta(days=30)))
    assert (done.returncode, "lies in the future" in done.stdout) == (1, True)


@pytest.mark.parametrize("days", [-1, 91])
def test_a_receipt_dated_outside_the_life_of_its_certificate_is_refused(
    verified: Run, held: ceremony.Held, tmp_path: Path, days: int
) -> None:
    at = datetime.now(UTC) + timedelta(days=days)
    clock = tmp_path / "bin" / "date"
    clock.parent.mkdir()
    clock.write_text(f"#!/bin/sh\necho {int(datetime.now(UTC).timestamp()) + 100 * 86400}\n")
    clock.chmod(0o755)
    path = {"PATH": f"{clock.parent}:{os.environ['PATH']}"}
    done = verified(_receipt(held.folder, at=at), environment=path)
    assert "not valid at the time it names" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("kind", ["package", "tsa"])
def test_a_certificate_of_another_kind_signs_no_receipt(
    verified: Run,
    held: ceremony.Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """With an Ed25519 key and the name of one for receipts: only its purpose is another."""
    other = replace(certificates.KINDS["receipt"], purpose=certificates.KINDS[kind].purpose)
    monkeypatch.setitem(certificates.KINDS, "receipt", other)
    folder = tmp_path / "other"
    folder.mkdir()
    certificates.CertificateAuthority.load(held.folder).issue(folder, "receipt")
    done = verified(_receipt(folder, at=datetime.now(UTC)))
    assert (done.returncode, done.stdout) == (
        1,
        "NOT VALID: its certificate is not one for receipts\n",
    )


def test_a_ca_that_only_the_system_trusts_counts_for_nothing(verified: Run, tmp_path: Path) -> None:
    other, store = tmp_path / "other", tmp_path / "store"
    ceremony.hold(other, operator="Public web")
    store.mkdir()
    shutil.copy(other / "ca.pem", store)
    subprocess.run(["openssl", "rehash", str(store)], check=True, capture_output=True)
    trusted = {"SSL_CERT_DIR": str(store), "SSL_CERT_FILE": str(other / "ca.pem")}
    done = verified(_receipt(other, at=datetime.now(UTC)), environment=trusted)
    assert (done.returncode, done.stdout) == (
        1,
        "NOT VALID: the certificate in it is not from this CA\n",
    )


def _serial(path: Path) -> str:
    return f"{x509.load_pem_x509_certificate(path.read_bytes()).serial_number:X}"


def test_an_ended_certificate_signs_no_receipt(
    verified: Run, held: ceremony.Held, tmp_path: Path
) -> None:
    note, ended = _receipt(held.folder, at=datetime.now(UTC)), tmp_path / "ended.crl"
    options = {"ca": held.folder, "list": ended, "reason": "stolen"}
    call_command("end_certificate", _serial(held.folder / "package.pem"), **options)
    assert verified(note, ended).returncode == 0
    call_command("end_certificate", _serial(held.folder / "receipt.pem"), **options)
    done = verified(note, ended)
    assert (done.returncode, "was ended before its time" in done.stdout) == (1, True)
    listed = x509.load_pem_x509_crl(ended.read_bytes())
    assert len(list(listed)) == 2


def test_a_list_by_another_ca_is_wrong_use(
    verified: Run, held: ceremony.Held, tmp_path: Path
) -> None:
    other, ended = tmp_path / "other", tmp_path / "ended.crl"
    ceremony.hold(other, operator="Another office")
    call_command("end_certificate", "1", ca=other, list=ended, reason="replaced")
    assert verified(_receipt(held.folder, at=datetime.now(UTC)), ended).returncode == 2
    with pytest.raises(CommandError, match="by another CA"):
        call_command("end_certificate", "2", ca=held.folder, list=ended, reason="replaced")


def test_the_verifier_knows_the_purpose_of_receipts() -> None:
    purpose = certificates.KINDS["receipt"].purpose.dotted_string
    assert f"receipt_purpose={purpose}\n" in SCRIPT.read_text()


@pytest.mark.parametrize("missing", ["-rawin", "-no-CAstore"])
def test_an_old_openssl_is_no_word_about_the_receipt(
    verified: Run, held: ceremony.Held, tmp_path: Path, missing: str
) -> None:
    old = tmp_path / "bin" / "openssl"
    old.parent.mkdir()
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *{missing}*) echo "Unrecognized flag" >&2; exit 1 ;; esac\n'
        f'{shutil.which("openssl")} "$@" 2>&1 | grep -v -e "{missing}"\n'
    )
    old.chmod(0o755)
    path = {"PATH": f"{old.parent}:{os.environ['PATH']}"}
    done = verified(_receipt(held.folder, at=datetime.now(UTC)), environment=path)
    assert (done.returncode, done.stdout[:22]) == (3, "CANNOT BE CHECKED HERE")


def test_a_changed_receipt_is_refused(verified: Run, held: ceremony.Held) -> None:
    note = _receipt(held.folder, at=datetime.now(UTC))
    body = json.loads(note.split(b"\n")[0])
    changed = note.replace(body["report"].encode(), b"R-111111111111")
    assert verified(changed).stdout == "NOT VALID: it was changed after it was signed\n"
