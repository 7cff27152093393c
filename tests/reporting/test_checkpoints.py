"""Checkpoints: their notes, the log outside the database, and the hourly stamps."""

from __future__ import annotations

import base64
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import DatabaseError, transaction
from tlog_scales.signing import MLDSA44CosignatureSigner, Vkey
from tlog_scales.tlog import Checkpoint as OutsideCheckpoint

from cases.operations.acting import acting_as
from reporting.custody import checkpoints, extract, published, sequencer, stamping
from reporting.custody.models import Checkpoint, CustodyDetail, CustodyEvent
from reporting.custody.timestamps import StampFailed, TimeStampAuthority
from tests.reporting import ledger
from tests.reporting.ledger import subject_with

pytestmark = pytest.mark.django_db(transaction=True)


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


# --- checkpoints --------------------------------------------------------------------------------


def test_a_checkpoint_of_another_key_or_with_any_flipped_bit_is_refused() -> None:
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    with pytest.raises(checkpoints.NotACheckpoint):
        checkpoints.read(_signed(key, 3).note, _key().public_key())
    # Several signatures: the unused bits of the last base64 character differ between them.
    for size in range(1, 9):
        signed = _signed(key, size)
        assert checkpoints.read(signed.note, key.public_key()) == signed
        bytes_ = signed.note.encode()
        for bit in range(len(bytes_) * 8):
            changed = bytearray(bytes_)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(checkpoints.NotACheckpoint):
                checkpoints.read(changed.decode(errors="replace"), key.public_key())


def _signed(key: Ed25519PrivateKey, size: int) -> checkpoints.SignedCheckpoint:
    return checkpoints.sign(origin="example/ledger", size=size, root=b"r" * 32, key=key)


def test_an_outside_reader_accepts_our_note_and_we_read_it_with_a_witness_beneath() -> None:
    key = _key()
    signed = _signed(key, 5)
    outside = OutsideCheckpoint.from_text(signed.note)
    outside.verify(Vkey.from_string(checkpoints.verifier_key("example/ledger", key.public_key())))
    witness = MLDSA44CosignatureSigner("witness.example", b"s" * 32)
    cosigned = f"{signed.note}{witness.sign(outside).serialize()}\n"
    read = checkpoints.read(cosigned, key.public_key())
    assert (read.size, read.root, read.note) == (5, b"r" * 32, cosigned)


def test_lines_that_others_add_to_the_format_are_passed_over_and_still_signed() -> None:
    key = _key()
    body = f"example/ledger\n5\n{base64.b64encode(b'r' * 32).decode()}\nextension of tomorrow\n"
    signature = checkpoints.key_id("example/ledger", key.public_key()) + key.sign(body.encode())
    note = f"{body}\n— example/ledger {base64.b64encode(signature).decode()}\n"
    assert checkpoints.read(note, key.public_key()).size == 5
    with pytest.raises(checkpoints.NotACheckpoint, match="signature"):
        checkpoints.read(note.replace("tomorrow", "today"), key.public_key())


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        "a\n1\nroot\n\n",
        "a\n1\n\n— a AAAA\n",
        "a\n1\nroot\n\nno signature\n",
        "x" * 70_000,
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(checkpoints.NotACheckpoint):
        checkpoints.read(note, _key().public_key())


def test_a_row_that_the_logs_key_did_not_sign_is_never_given_out() -> None:
    """A row (999999999, 'x') by the sequencer's role used to be served and built into receipts."""
    subject = subject_with(3)
    ledger.place()
    signed = published.newest()
    forged = checkpoints.sign(origin=ledger.ORIGIN, size=400, root=bytes(32), key=_key()).note
    with acting_as("sequencer"):
        for size, note in ((999_999_999, "x"), (400, forged), (5, signed.note if signed else "")):
            Checkpoint.objects.create(size=size, note=note, at=datetime.now(UTC))
    assert published.newest() == signed
    assert published.of_size(400) is None
    assert published.of_size(5) is None
    assert signed is not None
    assert extract.chain(subject).checkpoint == signed.note
    assert extract.proofs([(subject, 4)])[subject, 4].endswith(signed.note)
    faults = ledger.verdict().faults
    assert [fault.partition(":")[0] for fault in faults] == [
        f"the published checkpoint of {size}" for size in (5, 400, 999_999_999)
    ]


# --- checkpoints.log ----------------------------------------------------------------------------


def test_a_half_written_line_of_the_log_is_dropped() -> None:
    subject_with(1)
    ledger.place()
    with settings.CHECKPOINTS_LOG.open("a") as log:
        log.write('{"note": "half')
    assert ledger.verdict().faults == []
    subject_with(1)
    ledger.place()
    assert [line.note.split("\n")[1] for line in ledger.log().lines()] == ["2", "4"]


@pytest.mark.parametrize(
    "junk", [b"junk\n", b"{}\n", b'{"note": 5, "at": 6}\n', b"\xff\xfe\n", b"\n"]
)
def test_a_junk_line_of_the_log_is_named(junk: bytes) -> None:
    subject_with(1)
    ledger.place()
    with settings.CHECKPOINTS_LOG.open("ab") as log:
        log.write(junk)
    with pytest.raises(checkpoints.LogUnreadable, match=r"line 2 of checkpoints\.log"):
        list(ledger.log().lines())
    with pytest.raises(checkpoints.LogUnreadable, match="the last line"):
        ledger.start()


def test_the_log_holds_the_time_of_signing_beside_the_note() -> None:
    subject_with(0)
    before = datetime.now(UTC)
    ledger.place()
    (line,) = ledger.log().lines()
    assert before <= line.at <= datetime.now(UTC)
    assert Checkpoint.objects.get().at == line.at


# --- time stamps --------------------------------------------------------------------------------


class TestHourlyStamp:
    def rounds_until(self, running: sequencer.Sequencer, done: Callable[[], bool]) -> None:
        for _ in range(200):
            with acting_as("sequencer"):
                running.round()
            if done():
                return
            time.sleep(0.02)
        raise AssertionError("the sequencer did not reach the state in 200 rounds")

    def test_one_checkpoint_an_hour_is_stamped_by_each_authority(self) -> None:
        running = ledger.start(
            {
                "time_stamp": lambda data: b"ours of " + data,
                "outside_time_stamp": lambda data: b"theirs of " + data,
            }
        )
        for _ in range(3):
            subject_with(1)
            self.rounds_until(running, lambda: not any(stamp.waits for stamp in running.stamps))
        for column, word in (("time_stamp", b"ours of "), ("outside_time_stamp", b"theirs of ")):
            (checkpoint,) = Checkpoint.objects.exclude(**{column: b""})
            assert bytes(getattr(checkpoint, column)) == word + checkpoint.note.encode()
            stamped = Checkpoint.objects.filter(pk=checkpoint.pk)
            with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
                stamped.update(**{column: b"another"})

    def test_an_authority_that_does_not_answer_delays_nothing_and_is_asked_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked, answers = threading.Event(), [b"at last"]

        def outside(data: bytes) -> bytes:
            if not asked.is_set():
                asked.wait(10)
                raise StampFailed("no answer", permanent=False)
            return answers[0]

        running = ledger.start({"time_stamp": lambda data: b"ours", "outside_time_stamp": outside})
        for _ in range(2):
            subject_with(1)
            with acting_as("sequencer"):
                running.round()
        # Signed and published, and stamped by ours, while the other does not answer.
        assert Checkpoint.objects.count() == 2
        self.rounds_until(running, Checkpoint.objects.exclude(time_stamp=b"").exists)
        monkeypatch.setattr(stamping, "AGAIN_AFTER", 0.0)
        asked.set()
        self.rounds_until(running, Checkpoint.objects.exclude(outside_time_stamp=b"").exists)


# --- without our software -------------------------------------------------------------------------


@pytest.mark.needs("openssl")
def test_the_commands_of_the_readme_verify_a_note_a_row_a_detail_and_a_stamp(
    tmp_path: Path,
) -> None:
    subject_with(1)
    ledger.place()
    newest, event = published.newest(), CustodyEvent.objects.get(seq=2)
    assert newest is not None
    stamp = TimeStampAuthority.from_settings().stamp(newest.note.encode())
    files = {
        "note": newest.note.encode(),
        "key.pem": settings.CHECKPOINT_PUBLIC_KEY_FILE.read_bytes(),
        "canonical": event.canonical.encode(),
        "sealed": bytes(CustodyDetail.objects.get(event_id=event.id).sealed),
        "stamp.tsr": stamp,
        "CA.pem": settings.CA_CERTIFICATE_FILE.read_bytes(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    said = _run(_commands(), tmp_path)
    assert "Signature Verified Successfully" in said
    assert event.leaf in said
    assert event.detail_sealed_sha256 in said
    assert "Verification: OK" in said
    (tmp_path / "note").write_text(newest.note.replace("\n2\n", "\n3\n"))
    said = _run(_commands(), tmp_path)
    assert "Signature Verified Successfully" not in said
    assert "Verification: OK" not in said


def _commands() -> str:
    """The indented blocks of the last section of the ledger's README."""
    readme = Path(checkpoints.__file__).with_name("README.md").read_text()
    section = readme.partition("Without our software")[2]
    return "".join(line for line in section.splitlines(keepends=True) if line.startswith("    "))


def _run(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-c", commands], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr
