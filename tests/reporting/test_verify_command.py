"""verify_ledger: what it says of checkpoints.log, time stamps and bad input, and its exit codes."""

from __future__ import annotations

import io
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from cases import certificates
from reporting import evidence
from reporting.custody import checkpoints, published, verify, verify_rows
from reporting.custody.models import Checkpoint
from reporting.custody.timestamps import TimeStampAuthority
from reporting.models import EvidenceItem
from tests import factories
from tests.reporting import ledger
from tests.reporting.ledger import Clock, past_the_triggers, subject_with, two_chains

pytestmark = pytest.mark.django_db(transaction=True)


# --- checkpoints.log ------------------------------------------------------------------------------


def _lines() -> list[str]:
    lines: list[str] = settings.CHECKPOINTS_LOG.read_text().splitlines(keepends=True)
    return lines


@pytest.mark.parametrize("kept", [0, 1])
def test_a_log_that_was_cut_is_found(kept: int) -> None:
    two_chains()
    settings.CHECKPOINTS_LOG.write_text("".join(_lines()[:kept]))
    faults = ledger.verdict().faults
    assert "the published checkpoint of 14: checkpoints.log has no such line" in faults


def test_a_log_that_was_removed_is_found() -> None:
    two_chains()
    settings.CHECKPOINTS_LOG.unlink()
    assert ledger.verdict().count == 2


@pytest.mark.parametrize("line", [0, 1])
def test_an_edited_line_of_the_log_is_named(line: int) -> None:
    two_chains()
    lines = _lines()
    lines[line] = re.sub(r"(\\n[0-9]+\\n.)", r"\1A", lines[line])
    settings.CHECKPOINTS_LOG.write_text("".join(lines))
    faults = ledger.verdict().faults
    assert faults[0].startswith(f"line {line + 1} of checkpoints.log: ")


def test_lines_of_the_log_in_another_order_are_found() -> None:
    two_chains()
    settings.CHECKPOINTS_LOG.write_text("".join(reversed(_lines())))
    assert "its size 7 is not above the one before it" in ledger.verdict().faults[0]


# --- time stamps ----------------------------------------------------------------------------------


def _roots() -> dict[str, list[x509.Certificate]]:
    root = x509.load_pem_x509_certificate(settings.CA_CERTIFICATE_FILE.read_bytes())
    return {"time_stamp": [root], "outside_time_stamp": [root]}


def _stamped(column: str = "time_stamp", **changed: Any) -> None:
    """One event under one checkpoint with a stamp of our authority."""
    subject_with(1)
    ledger.place()
    checkpoint = Checkpoint.objects.get()
    authority = changed.get("authority", TimeStampAuthority.from_settings())
    stamp = authority.stamp(changed.get("data", checkpoint.note.encode()))
    past_the_triggers(f"UPDATE custody_checkpoint SET {column} = %s", stamp)


@pytest.mark.needs("openssl")
class TestStamps:
    @pytest.mark.parametrize("column", ["time_stamp", "outside_time_stamp"])
    def test_a_valid_stamp_is_counted(self, column: str) -> None:
        _stamped(column)
        verdict = ledger.verdict(roots=_roots())
        assert (verdict.stamps, verdict.faults, verdict.notes) == (1, [], [])

    @pytest.mark.parametrize("column", ["time_stamp", "outside_time_stamp"])
    def test_a_stamp_over_another_note_is_found(self, column: str) -> None:
        _stamped(column, data=b"another note")
        (fault,) = ledger.verdict(roots=_roots()).faults
        assert fault.startswith(f"the published checkpoint of 2, {column}: ")
        assert ledger.verdict().faults

    def test_junk_instead_of_a_stamp_is_found(self) -> None:
        _stamped()
        past_the_triggers("UPDATE custody_checkpoint SET time_stamp = 'junk'")
        assert "cannot be read" in ledger.verdict(roots=_roots()).faults[0]

    def test_a_stamp_under_another_ca_is_found_where_its_certificates_are_known(
        self, tmp_path: Path
    ) -> None:
        tmp_path.joinpath("ca").mkdir()
        other = certificates.CertificateAuthority.make(tmp_path / "ca", operator="Other")
        other.issue(tmp_path, "tsa")
        _stamped(authority=TimeStampAuthority(tmp_path / "tsa.key", tmp_path / "tsa.pem"))
        assert "it is not valid" in ledger.verdict(roots=_roots()).faults[0]
        unchecked = ledger.verdict(roots={"outside_time_stamp": _roots()["time_stamp"]})
        assert unchecked.faults == []
        assert "No certificate to check time_stamp with" in unchecked.notes[0]

    def test_a_stamp_older_than_what_it_covers_is_found(self) -> None:
        _stamped()
        later = "now() + interval '1 minute'"
        past_the_triggers(f"UPDATE custody_custodyevent SET at = {later}")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(verify, "datetime", Clock(datetime.now(UTC) + timedelta(hours=1)))
            faults = ledger.verdict(roots=_roots()).faults
        assert any("it is older than an event that the checkpoint covers" in one for one in faults)

    def test_a_stamp_from_the_future_is_found(self) -> None:
        _stamped()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(verify, "datetime", Clock(datetime.now(UTC) - timedelta(hours=1)))
            faults = ledger.verdict(roots=_roots()).faults
        assert any("time_stamp: it is from the future" in fault for fault in faults)

    def test_a_time_of_signing_after_its_stamp_is_found(self) -> None:
        _stamped()
        settings.CHECKPOINTS_LOG.write_text(
            re.sub(r'"at": "[0-9]{4}', '"at": "2019', settings.CHECKPOINTS_LOG.read_text())
        )
        past_the_triggers("UPDATE custody_checkpoint SET at = at + interval '1 minute'")
        faults = ledger.verdict(roots=_roots()).faults
        assert any("another time than in line 1" in fault for fault in faults)
        assert any("its time is after the checkpoint of 2" in fault for fault in faults)


# --- the command ----------------------------------------------------------------------------------


def _run(*arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=said)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as error:
        return int(str(error.code)), said.getvalue()
    return 0, said.getvalue()


def test_the_command_says_sound_broken_or_only_consistent(tmp_path: Path, settings: Any) -> None:
    subject_with(3)
    ledger.place()
    code, said = _run()
    assert (code, said.split(",")[0]) == (0, "Sound: 4 events")
    log, settings.CHECKPOINTS_LOG = settings.CHECKPOINTS_LOG, tmp_path / "away" / "checkpoints.log"
    code, said = _run()
    assert code == 3
    assert said.startswith("Internal consistency only: 4 events, 4 in the tree.")
    settings.CHECKPOINTS_LOG = log
    past_the_triggers("UPDATE custody_custodyevent SET actor = 'nobody' WHERE seq = 2")
    code, said = _run()
    assert code == 1
    assert said.startswith("The ledger is broken. Faults: 1.\n")
    assert "the column actor differs" in said


def test_a_fault_of_which_no_sentence_is_kept_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    two_chains()
    past_the_triggers("UPDATE custody_custodyevent SET actor = 'S-000000000001' WHERE seq = 2")
    monkeypatch.setattr(verify_rows.Faults, "LIMIT", 0)
    with pytest.raises(CommandError, match="The ledger is broken"):
        call_command("verify_ledger", stdout=io.StringIO())


def test_of_many_unusual_rows_each_is_explained() -> None:
    """The faulty one stands behind a hundred that are only unusual."""
    subject_with(120)
    past_the_triggers("UPDATE custody_custodyevent SET actor = 'S-000000000001' WHERE seq = 121")
    numbers = [number for (number,) in ledger.rows("SELECT id FROM custody_custodyevent")]
    faults = verify_rows.Faults()
    verify_rows._explain(numbers, faults)
    assert (faults.count, len(faults.sentences)) == (1, 1)
    assert "entry 121" in faults.sentences[0]


def test_the_command_compares_rows_and_the_vault() -> None:
    visit = factories.draft()
    item = factories.file(visit)
    ledger.place()
    assert _run()[0] == 0
    evidence.store().remove(item.vault_name)
    code, said = _run()
    assert code == 1
    assert said.endswith(f"{item.pk}: its object is not in the vault")
    code, said = _run("--without-files")
    assert code == 0
    assert said.endswith("Note: No file of the vault was compared.\n")
    with factories.forging():
        EvidenceItem.objects.update(group=None)
    code, said = _run("--without-files")
    assert code == 1
    assert said.endswith(f"{item.pk}: it is not what was recorded")


@pytest.mark.parametrize("change", ["edited", "swapped", "removed"])
def test_a_changed_object_in_the_vault_is_named(change: str) -> None:
    visit = factories.draft()
    item, other = factories.file(visit), factories.file(visit, b"another file")
    ledger.place()
    folder = settings.VAULT_DIR
    path, of_other = (next(folder.rglob(name.vault_name)) for name in (item, other))
    if change == "edited":
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)
    elif change == "swapped":
        os.replace(of_other, path)
    else:
        path.unlink()
    code, said = _run()
    assert code == 1
    assert f"{item.pk}: its object" in said


def test_since_compares_with_a_checkpoint_that_somebody_kept(tmp_path: Path) -> None:
    subject_with(3)
    ledger.place()
    kept = tmp_path / "kept"
    newest = published.newest()
    assert newest is not None
    kept.write_text(newest.note)
    subject_with(3)
    ledger.place()
    assert _run("--since", str(kept))[0] == 0
    settings.CHECKPOINTS_LOG.unlink()
    past_the_triggers("DELETE FROM custody_checkpoint")
    assert _run("--since", str(kept))[0] == 0
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    other = checkpoints.sign(origin=ledger.ORIGIN, size=4, root=bytes(32), key=key)
    kept.write_text(other.note)
    code, said = _run("--since", str(kept))
    assert code == 1
    assert "not what the checkpoint of 4 that was kept saw" in said


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, 2), (b"", 2), (b"\xff\xfe\x00", 2), (b"hello\n", 2), (b"other", 1)],
    ids=["missing", "empty", "binary", "no note", "another key"],
)
def test_a_kept_file_that_is_no_checkpoint_is_bad_input(
    content: bytes | None, code: int, tmp_path: Path
) -> None:
    path = tmp_path / "kept"
    if content == b"other":
        other = Ed25519PrivateKey.generate()
        content = checkpoints.sign(
            origin="other/ledger", size=1, root=bytes(32), key=other
        ).note.encode()
    if content is not None:
        path.write_bytes(content)
    assert _run("--since", str(path))[0] == code
    assert _run("--since", str(tmp_path))[0] == 2


def test_a_junk_line_of_the_log_is_bad_input_and_its_number_is_said() -> None:
    subject_with(1)
    ledger.place()
    with settings.CHECKPOINTS_LOG.open("a") as log:
        log.write("junk\n")
    assert _run() == (2, "Bad input: line 2 of checkpoints.log is not a checkpoint's line.")


@pytest.mark.parametrize("name", ["CHECKPOINT_PUBLIC_KEY_FILE", "CA_CERTIFICATE_FILE"])
def test_key_files_that_hold_no_key_are_bad_input(name: str, settings: Any, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"\xff")
    setattr(settings, name, junk)
    assert _run()[0] == 2
