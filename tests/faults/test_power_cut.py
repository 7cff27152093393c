"""After kill -9 of every process right after the receipt, every byte is there."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.office import Office
from reporting.records import Acquisition
from reporting.vault import codes, keys, reader
from reporting.vault.sealer import Sealed
from reporting.vault.store import DiskStore
from tests.conftest import count
from tests.reporter import Reporter, multipart

PROCESSES = ("public", "upload", "sequencer", "opener", "worker", "builder", "beat")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "office", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        office.prepare()
        yield office
    finally:
        office.stop()


def _what_is_kept(office: Office, code: str) -> dict[str, bytes]:
    """File name → bytes, read from database and vault with the return code. Raises if damaged."""
    derived = codes.derive(codes.parse(code))
    lookup = codes.lookup_hash(
        derived.lookup, bytes.fromhex((office.keys / "lookup.key").read_text())
    )
    store = DiskStore(office.folder / "vault", floor=0)
    files = {}
    with psycopg.connect(office.postgres.owner_url()) as database:
        row = database.execute(
            "SELECT report_id, wrapped FROM reporting_returncodewrap WHERE lookup = %s", [lookup]
        ).fetchone()
        assert row is not None, "the report is gone"
        report, wrapped = row
        assert database.execute(
            "SELECT 1 FROM reporting_receipt WHERE report_id = %s", [report]
        ).fetchone()
        (state,) = database.execute(
            "SELECT state FROM reporting_report WHERE id = %s", [report]
        ).fetchone() or ("",)
        assert state != "draft"
        public_key = (
            database.execute("SELECT founding FROM custody_founding(%s)", [report]).fetchone()
            or ("",)
        )[0]
        secret = keys.unwrap(
            wrapped,
            derived.secret,
            expected=keys.PublicKey(public_key.split('"public_key":"')[1].split('"')[0]),
        )
        items = (
            "SELECT acquisition, vault_name, ciphertext_size, ciphertext_sha256"
            " FROM reporting_evidenceitem WHERE report_id = %s AND kind = 'file'"
        )
        for acquisition, name, size, digest in database.execute(items, [report]).fetchall():
            facts = Acquisition.from_record(
                reader.record_of(reader.open_bytes(acquisition, secret)[32:])
            )
            sealed = Sealed(facts.size, facts.sha256, size, digest)
            with store.open(name) as source:
                assert reader.ciphertext_sha256(source) == digest
            with store.open(name) as source:
                files[facts.file_name] = b"".join(reader.open_segments(source, secret, sealed))
    return files


@pytest.mark.counted
def test_everything_is_there_after_kill_9_of_every_process_right_after_the_receipt(
    office: Office,
) -> None:
    chance = random.Random(5)
    for _ in range(count(200, 3)):
        office.start(*PROCESSES)
        reporter = Reporter(office.address("public"), office.address("upload"))
        reporter.answer_all()
        files = {"photo.jpg": os.urandom(chance.randrange(1, 3_000_000)), "note.txt": b"text"}
        assert reporter.send_files(reporter.open_files(), files).location.endswith("said=kept")
        code = reporter.send()
        time.sleep(chance.random() * 2)
        office.kill_all()
        office.postgres.restart()
        assert _what_is_kept(office, code) == files
    office.place_what_waits()
    assert office.run_command("verify_ledger").startswith(("Sound", "Internal"))


def test_a_second_click_on_send_gives_the_same_receipt(office: Office) -> None:
    office.start("public", "upload")
    reporter = Reporter(office.address("public"), office.address("upload"))
    reporter.answer_all()
    first = reporter.send()
    assert reporter.send() == first
    with psycopg.connect(office.postgres.owner_url()) as database:
        assert database.execute("SELECT count(*) FROM reporting_receipt").fetchone() == (1,)
        assert database.execute(
            "SELECT count(*) FROM custody_custodyevent WHERE event = 'report:submitted'"
        ).fetchone() == (1,)


def test_an_interrupted_upload_leaves_nothing_and_a_finished_one_stays(office: Office) -> None:
    office.start("public", "upload")
    reporter = Reporter(office.address("public"), office.address("upload"))
    reporter.answer_all()
    path = reporter.open_files()
    reporter.send_files(path, {"whole.jpg": b"w" * 1000})
    body, kind = multipart({"half.jpg": b"h" * 9_000_000})
    # The body ends without its last boundary, as behind a proxy that closed the connection.
    answered = reporter._ask(
        office.address("upload"), "POST", path, body[:-4_000_000], {"Content-Type": kind}
    )
    assert answered.location.endswith("said=cut")
    page = reporter.get("/more/?said=cut").body
    assert "The connection broke" in page
    assert "whole.jpg" in page
    assert "half.jpg" not in page
    assert len(list((office.folder / "vault").glob("??/*"))) == 1


def test_with_a_full_disk_files_are_refused_and_text_is_still_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREE_SPACE_FLOOR_BYTES", str(10**18))
    office = Office(tmp_path / "full", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        office.prepare()
        office.start("public", "upload")
        reporter = Reporter(office.address("public"), office.address("upload"))
        reporter.answer_all()
        assert reporter.send_files(reporter.open_files(), {"photo.jpg": b"x"}).location.endswith(
            "said=full"
        )
        assert "We have no room for files" in reporter.get("/more/?said=full").body
        assert len(reporter.send()) == 25
    finally:
        office.stop()
