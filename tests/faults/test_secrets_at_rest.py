"""Promise 6: a thief of database, vault, logs and broker learns no content and no usable secret."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.office import Office
from config.local.postgres import binaries
from reporting.screens.cookies import COOKIE
from tests.reporter import Reporter

CANARY_WORDS = "canary-words-Quetzalcoatlus"
CANARY_ACCOUNT = "@canary.account.Hoatzin"
CANARY_FILE_NAME = "canary-file-name-Kakapo.jpg"
CANARY_BYTES = b"canary-bytes-Shoebill-" * 500
CANARY_MESSAGE = "canary-message-Potoo"


@pytest.fixture(scope="module")
def stolen(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Office, Reporter, str, Path]]:
    """A running office with seeded canaries, and a dump of its database."""
    office = Office(
        tmp_path_factory.mktemp("stolen") / "office",
        ports={"public": 0, "upload": 0, "staff": 0, "partner": 0},
    )
    try:
        office.prepare()
        office.start()
        reporter = Reporter(office.address("public"), office.address("upload"))
        reporter.answer_all(words=CANARY_WORDS, account=CANARY_ACCOUNT)
        assert reporter.send_files(
            reporter.open_files(), {CANARY_FILE_NAME: CANARY_BYTES}
        ).location.endswith("kept")
        code = reporter.send()
        reporter.post("/mine/", text=CANARY_MESSAGE)
        deadline = time.monotonic() + 20
        while not _assessed(office) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert _assessed(office), "the worker never opened the report"
        dump = tmp_path_factory.mktemp("loot") / "dump.sql"
        with dump.open("wb") as out:
            url = office.postgres.owner_url()
            subprocess.run([str(binaries() / "pg_dump"), "--inserts", url], stdout=out, check=True)
        yield office, reporter, code, dump
    finally:
        office.stop()


def _assessed(office: Office) -> bool:
    with psycopg.connect(office.postgres.owner_url()) as database:
        return bool(database.execute("SELECT 1 FROM cases_assessment").fetchone())


def _files(office: Office, dump: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of the office (tables, WAL, vault, logs, broker) except the key files."""
    for path in [dump, *sorted(office.folder.rglob("*"))]:
        if (
            path.is_file()
            and office.keys not in path.parents
            and path.name not in {"postgres-owner-password", "role-passwords.json"}
        ):
            yield path, path.read_bytes()


def test_no_word_name_file_name_or_byte_of_the_reporter_is_found(
    stolen: tuple[Office, Reporter, str, Path],
) -> None:
    office, reporter, code, dump = stolen
    canaries = [
        CANARY_WORDS,
        CANARY_ACCOUNT,
        CANARY_FILE_NAME,
        CANARY_MESSAGE,
        code,
        reporter.cookie,
    ]
    canaries += [hashlib.sha256(CANARY_BYTES).hexdigest()]
    needles = [canary.encode() for canary in canaries] + [CANARY_BYTES[:22]]
    needles += [needle.hex().encode() for needle in needles]
    searched = 0
    for path, data in _files(office, dump):
        for needle in needles:
            assert needle not in data, (path, needle[:30])
        searched += len(data)
    assert searched > 10_000_000


def test_the_search_finds_a_planted_canary(stolen: tuple[Office, Reporter, str, Path]) -> None:
    office, _reporter, _code, dump = stolen
    (office.folder / "logs" / "planted.log").write_text(f"oops {CANARY_WORDS}")
    try:
        assert any(CANARY_WORDS.encode() in data for _path, data in _files(office, dump))
    finally:
        (office.folder / "logs" / "planted.log").unlink()


def test_no_string_of_the_dump_opens_anything(stolen: tuple[Office, Reporter, str, Path]) -> None:
    """Strings of the dump, tried as a session cookie, as a return code and as a collection code."""
    office, reporter, _code, dump = stolen
    strings = sorted(set(re.findall(r"[A-Za-z0-9_-]{20,90}", dump.read_text(errors="replace"))))
    likely = [text for text in strings if re.search(r"\d", text)]
    assert len(likely) > 50
    for cookie in likely[:400]:
        thief = Reporter(office.address("public"), office.address("upload"), cookie=cookie)
        assert thief.get("/mine/").status == 403, cookie
    for code in [text for text in strings if text.isdigit() and len(text) == 25]:
        thief = Reporter(office.address("public"), office.address("upload"))
        assert thief.post("/back/", code=code).status in {400, 404}
    assert COOKIE not in dump.read_text(errors="replace")
    partner = Reporter(office.address("partner"), "")
    for code in [text for text in likely if re.fullmatch(r"[0-9a-f]{40,64}", text)][:200]:
        assert partner.post("/partner/package/", code=code).status == 404
    assert reporter.get("/mine/").status == 200
