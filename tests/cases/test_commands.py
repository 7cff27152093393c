"""The operator's commands: what they print and how they end."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from cases import certificates
from cases.exports.formats.table import csv
from cases.operations import ceremony
from cases.operations.seed import person
from cases.staff.models import StaffSession
from config.logging import AllowListFormatter
from reporting.custody.checkpoints import CheckpointLog
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


class TestVerifyLedger:
    def test_without_a_checkpoint_it_says_so_and_ends_with_3(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        factories.draft()
        with pytest.raises(SystemExit) as ended:
            call_command("verify_ledger")
        assert ended.value.code == 3
        assert "Internal consistency only" in capsys.readouterr().out

    def test_a_sound_ledger(self, capsys: pytest.CaptureFixture[str]) -> None:
        factories.draft()
        factories.sequence()
        call_command("verify_ledger")
        assert capsys.readouterr().out.startswith("Sound:")

    def test_against_a_checkpoint_kept_outside(
        self, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        factories.draft()
        factories.sequence()
        kept = tmp_path / "kept"
        kept.write_text(next(CheckpointLog(settings.CHECKPOINTS_LOG).lines()).note)
        settings.CHECKPOINTS_LOG.unlink()  # an attacker who rewrites the ledger can rewrite the log
        with factories.forging(), connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM custody_custodyevent WHERE id = "
                "(SELECT event_id FROM custody_place WHERE tree_index = 3)"
            )
        with pytest.raises(CommandError, match="The ledger is broken") as ended:
            call_command("verify_ledger", since=kept)
        assert ended.value.returncode == 1
        with pytest.raises(CommandError) as ended:
            call_command("verify_ledger", since=tmp_path / "nowhere")
        assert ended.value.returncode == 2

    def test_a_checkpoint_of_somebody_else(self, tmp_path: Path) -> None:
        (tmp_path / "note").write_text("origin\n1\nAAAA\ntime x\n\n— origin AAAA\n")
        with pytest.raises(CommandError, match="is not a checkpoint of this ledger"):
            call_command("verify_ledger", since=tmp_path / "note")


class TestCeremony:
    def test_the_paper_shares_are_written_nowhere(self, held: ceremony.Held) -> None:
        words = [" ".join(share.split()[-4:]) for share in held.shares]
        for path in held.folder.iterdir():
            assert path.stat().st_mode & 0o077 == 0
            assert not any(word in path.read_text() for word in words)

    def test_a_second_ceremony_in_the_same_folder_is_refused(self, held: ceremony.Held) -> None:
        before = (held.folder / "office.key").read_text()
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("ceremony", out=held.folder, operator="x")
        assert (held.folder / "office.key").read_text() == before

    def test_two_shares_from_paper_pass_the_drill_and_a_wrong_one_does_not(
        self, held: ceremony.Held, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        public_keys = held.folder / "office-public-keys"
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(held.shares[:2]) + "\n"))
        call_command("try_paper", public_keys=public_keys)
        other = ceremony.hold(tmp_path / "other", operator="x")
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{held.shares[0]}\n{other.shares[1]}\n"))
        with pytest.raises(CommandError, match="does not open"):
            call_command("try_paper", public_keys=public_keys)


@pytest.mark.parametrize("arguments", [{"file": ["/nowhere"]}, {"file": ["."]}])
def test_rehearse_with_a_bad_path_says_so_and_does_nothing(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    files = [Path(name) for name in arguments["file"]]
    with pytest.raises(CommandError, match="Nothing was done") as ended:
        call_command("rehearse", file=files, out=tmp_path / "out")
    assert ended.value.returncode == 2
    assert not (tmp_path / "out").exists()


def test_no_cell_of_a_table_is_run_as_a_formula() -> None:
    table = csv(["a"], [["=HYPERLINK(1)"], ["+1"], ["-1"], ["@x"], ["plain, with comma"]]).decode()
    assert table == "a\r\n'=HYPERLINK(1)\r\n'+1\r\n'-1\r\n'@x\r\n\"plain, with comma\"\r\n"


def test_a_log_line_carries_neither_arguments_nor_the_text_of_an_exception() -> None:
    try:
        raise ValueError("what a reporter wrote")
    except ValueError:
        record = logging.LogRecord(
            "django.request",
            logging.ERROR,
            __file__,
            1,
            "request %s failed",
            ("/page?what a reporter wrote",),
            sys.exc_info(),
        )
    record.reason, record.words = "fixed", "what a reporter wrote"
    line = AllowListFormatter().format(record)
    assert "what a reporter wrote" not in line
    assert json.loads(line)["message"] == "request %s failed"
    assert json.loads(line)["reason"] == "fixed"
    assert json.loads(line)["exception"] == "ValueError"


def test_the_table_of_staff_sessions_holds_no_cookie() -> None:
    client = Client()
    client.force_login(person("cookie", "caseworker"))
    cookie = client.cookies["__Host-office"].value
    assert client.get("/office/").status_code == 200
    (row,) = StaffSession.objects.all()
    assert cookie not in (row.key_hash, row.data)
    thief = Client()
    thief.cookies["__Host-office"] = row.key_hash
    assert thief.get("/office/").status_code == 302


class TestCertify:
    @pytest.mark.needs("openssl")
    @pytest.mark.parametrize("kind", sorted(certificates.KINDS))
    def test_a_new_certificate_is_from_the_same_ca(
        self, held: ceremony.Held, tmp_path: Path, kind: str
    ) -> None:
        out = io.StringIO()
        call_command("certify", kind, ca=held.folder, out=tmp_path / "new", stdout=out)
        assert "good until" in out.getvalue()
        purpose = ["-purpose", "timestampsign"] if kind == "tsa" else []
        command = [
            "openssl",
            "verify",
            "-CAfile",
            str(held.folder / "ca.pem"),
            *purpose,
            str(tmp_path / "new" / f"{kind}.pem"),
        ]
        subprocess.run(command, check=True, capture_output=True)
        assert (tmp_path / "new" / f"{kind}.pem").read_bytes() != (
            held.folder / f"{kind}.pem"
        ).read_bytes()
        assert (tmp_path / "new" / f"{kind}.key").stat().st_mode & 0o077 == 0

    def test_a_key_that_is_there_is_never_replaced(self, held: ceremony.Held) -> None:
        before = (held.folder / "receipt.key").read_bytes()
        with pytest.raises(CommandError, match="Nothing was replaced"):
            call_command("certify", "receipt", ca=held.folder, out=held.folder)
        assert (held.folder / "receipt.key").read_bytes() == before

    def test_a_folder_without_a_ca_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="holds no CA"):
            call_command("certify", "receipt", ca=tmp_path, out=tmp_path / "new")
        assert not (tmp_path / "new").exists()
