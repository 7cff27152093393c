"""The receipt: verified with sh and openssl alone, and any flipped bit is found."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases.certificates import KINDS, CertificateAuthority
from cases.operations import ceremony
from reporting import receipts
from reporting.models import Receipt
from tests import factories
from tests.conftest import count

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("openssl")]


@pytest.fixture
def verified(tmp_path: Path, settings: Any) -> Callable[[bytes], str]:
    """Runs the verifier on a receipt. Returns what it prints, or "" when it refuses."""

    def run(note: bytes, *, ledger: Path = settings.CHECKPOINT_PUBLIC_KEY_FILE) -> str:
        (tmp_path / "note.txt").write_bytes(note)
        script, ca = Path("reporting/verify-receipt.sh").resolve(), settings.CA_CERTIFICATE_FILE
        done = subprocess.run(
            ["sh", script, "note.txt", ca, ledger],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr
        return done.stdout if done.returncode == 0 else ""

    return run


def test_a_receipt_is_confirmed_once_a_checkpoint_covers_it(
    verified: Callable[..., str],
) -> None:
    for _ in range(3):
        factories.sent()
    visit = factories.sent()
    taken = receipts.as_text(visit.report.receipt).encode()
    assert visit.report.pk in verified(taken)
    assert "CONFIRMED" not in verified(taken)
    assert receipts.confirm() == 0
    factories.sequence()
    assert receipts.confirm() == 4
    assert receipts.confirm() == 0
    confirmed = receipts.as_text(Receipt.objects.get(report=visit.report)).encode()
    assert "CONFIRMED" in verified(confirmed)


def test_any_flipped_bit_is_found(verified: Callable[..., str]) -> None:
    factories.sent()
    visit = factories.sent()
    factories.sequence()
    receipts.confirm()
    note = receipts.as_text(Receipt.objects.get(report=visit.report)).encode()
    ignored_by_decoders = note.index(b"==\n-----END SIGNATURE") - 1
    chance = random.Random(7)
    not_signed = note.index(b"tlog-proof@v1")
    bits = [
        ignored_by_decoders * 8,
        not_signed * 8,
        *chance.sample(range(len(note) * 8), count(1500, 50)),
    ]
    for bit in bits:
        changed = bytearray(note)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verified(bytes(changed)), bit
    assert verified(note)


def test_another_ledger_another_ca_or_another_kind_of_certificate_is_refused(
    verified: Callable[..., str], settings: Any, tmp_path: Path
) -> None:
    other = ceremony.hold(tmp_path / "other", operator="Another office").folder
    visit = factories.sent()
    factories.sequence()
    receipts.confirm()
    note = receipts.as_text(Receipt.objects.get(report=visit.report)).encode()
    assert not verified(note, ledger=other / "checkpoint.pub")
    mine, settings.CA_CERTIFICATE_FILE = settings.CA_CERTIFICATE_FILE, other / "ca.pem"
    assert not verified(note)
    settings.CA_CERTIFICATE_FILE = mine
    settings.RECEIPT_CERTIFICATE_FILE = settings.PACKAGE_CERTIFICATE_FILE
    assert not verified(receipts.as_text(factories.sent().report.receipt).encode())


@pytest.mark.parametrize(("kind", "holds"), [("receipt", True), ("package", False)])
def test_only_a_certificate_for_receipts_signs_receipts(
    verified: Callable[..., str],
    settings: Any,
    held: ceremony.Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    holds: bool,
) -> None:
    monkeypatch.setitem(KINDS, "receipt", replace(KINDS["receipt"], purpose=KINDS[kind].purpose))
    CertificateAuthority.load(held.folder).issue(tmp_path, "receipt")
    settings.RECEIPT_KEY_FILE, settings.RECEIPT_CERTIFICATE_FILE = (
        tmp_path / "receipt.key",
        tmp_path / "receipt.pem",
    )
    assert bool(verified(receipts.as_text(factories.sent().report.receipt).encode())) == holds
