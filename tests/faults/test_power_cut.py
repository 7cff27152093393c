"""A receipt means kept: kill -9 of everything right after it, and every byte is there."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.office import Office
from reporting import evidence
from reporting.vault import codes, keys, reader
from reporting.vault.sealer import Sealed
from reporting.vault.store import DiskStore
from tests.conftest import count
from tests.reporter import Reporter, multipart

PROCESSES = ("public", "upload", "sequencer", "opener", "worker", "beat")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path / "office", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        found.prepare()
        yield found
    finally:
        found.stop()


def _what_is_kept(office: Office, code: str) -> dict[str, bytes]:
    """With her code, straight from database and vault: file name → bytes. Raises if one byte is wrong."""
    derived = codes.derive(codes.parse(code))
    lookup = codes.lookup_hash(
        derived.lookup, bytes.fromhex((office.keys / "lookup.key").read_text())
    )
    store = DiskStore(office.folder / "vault", floor=0)
    found = {}
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
        items = "SELECT acquisition, vault_name, ciphertext_size, ciphertext_sha256 FROM reporting_evidenceitem WHERE report_id = %s AND kind = 'file'"
        for acquisition, name, size, digest in database.execute(items, [report]).fetchall():
            facts = evidence.open_record(acquisition, secret)
            segments = tuple((one[0], one[1], one[2]) for one in facts["segments"])
            with store.open(name) as source:
                sealed = Sealed(facts["size"], facts["sha256"], size, digest, segments)
                found[facts["file_name"]] = b"".join(reader.open_segments(source, secret, sealed))
    return found


@pytest.mark.counted
def test_everything_is_there_after_kill_9_of_every_process_right_after_the_receipt(
    office: Office,
) -> None:
    chance = random.Random(5)
    for _ in range(count(200, 3)):
        office.start(*PROCESSES)
        hers = Reporter(office.address("public"), office.address("upload"))
        hers.answer_all()
        files = {"photo.jpg": os.urandom(chance.randrange(1, 3_000_000)), "note.txt": b"text"}
        assert hers.send_files(hers.open_files(), files).location.endswith("said=kept")
        code = hers.send()
        time.sleep(chance.random() * 2)
        office.kill_all()
        office.postgres.restart()
        assert _what_is_kept(office, code) == files
    assert office.run_command("verify_ledger").startswith(("Sound", "Internal"))


def test_a_second_click_on_send_gives_the_same_receipt(office: Office) -> None:
    office.start("public", "upload")
    hers = Reporter(office.address("public"), office.address("upload"))
    hers.answer_all()
    first = hers.send()
    assert hers.send() == first
    with psycopg.connect(office.postgres.owner_url()) as database:
        assert database.execute("SELECT count(*) FROM reporting_receipt").fetchone() == (1,)
        assert database.execute(
            "SELECT count(*) FROM custody_custodyevent WHERE event = 'report:submitted'"
        ).fetchone() == (1,)


def test_an_upload_that_breaks_off_leaves_nothing_and_a_finished_one_stays(office: Office) -> None:
    office.start("public", "upload")
    hers = Reporter(office.address("public"), office.address("upload"))
    hers.answer_all()
    path = hers.open_files()
    hers.send_files(path, {"whole.jpg": b"w" * 1000})
    body, kind = multipart({"half.jpg": b"h" * 9_000_000})
    # The form says it ends, but its last boundary is missing: a proxy that gave up in the middle.
    answered = hers._ask(
        office.address("upload"), "POST", path, body[:-4_000_000], {"Content-Type": kind}
    )
    assert answered.location.endswith("said=cut")
    page = hers.get("/more/?said=cut").body
    assert "The connection broke" in page
    assert "whole.jpg" in page
    assert "half.jpg" not in page
    assert len(list((office.folder / "vault").glob("??/*"))) == 1


def test_a_full_disk_is_said_kindly_and_her_words_are_still_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREE_SPACE_FLOOR_BYTES", str(10**18))
    office = Office(tmp_path / "full", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        office.prepare()
        office.start("public", "upload")
        hers = Reporter(office.address("public"), office.address("upload"))
        hers.answer_all()
        assert hers.send_files(hers.open_files(), {"photo.jpg": b"x"}).location.endswith(
            "said=full"
        )
        assert "We have no room for files" in hers.get("/more/?said=full").body
        assert len(hers.send()) == 25
    finally:
        office.stop()
