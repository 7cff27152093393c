"""Promise 6: a thief of database, disk, backups, logs, broker and temp files learns no content and gets no secret that works."""

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
from config.local.postgres import BINARIES
from reporting.screens.cookies import COOKIE
from tests.reporter import Reporter

CANARY_WORDS = "canary-words-Quetzalcoatlus"
CANARY_ACCOUNT = "@canary.account.Hoatzin"
CANARY_FILE_NAME = "canary-file-name-Kakapo.jpg"
CANARY_BYTES = b"canary-bytes-Shoebill-" * 500
CANARY_MESSAGE = "canary-message-Potoo"


@pytest.fixture(scope="module")
def robbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Office, Reporter, str, Path]]:
    """An office at work with seeded canaries, and everything a thief could carry away."""
    office = Office(
        tmp_path_factory.mktemp("robbed") / "office",
        ports={"public": 0, "upload": 0, "staff": 0, "partner": 0},
    )
    try:
        office.prepare()
        office.start()
        hers = Reporter(office.address("public"), office.address("upload"))
        hers.answer_all(words=CANARY_WORDS, account=CANARY_ACCOUNT)
        assert hers.send_files(
            hers.open_files(), {CANARY_FILE_NAME: CANARY_BYTES}
        ).location.endswith("kept")
        code = hers.send()
        hers.post("/mine/", text=CANARY_MESSAGE)
        deadline = time.monotonic() + 20
        while not _assessed(office) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert _assessed(office), "the worker never opened the report"
        dump = tmp_path_factory.mktemp("loot") / "dump.sql"
        with dump.open("wb") as out:
            url = office.postgres.owner_url()
            subprocess.run([str(BINARIES / "pg_dump"), "--inserts", url], stdout=out, check=True)
        yield office, hers, code, dump
    finally:
        office.stop()


def _assessed(office: Office) -> bool:
    with psycopg.connect(office.postgres.owner_url()) as database:
        return bool(database.execute("SELECT 1 FROM cases_assessment").fetchone())


def _loot(office: Office, dump: Path) -> Iterator[tuple[Path, bytes]]:
    """Tables, write-ahead log, vault, logs, checkpoints, broker and temp files; not the key files, which are another theft."""
    for path in [dump, *sorted(office.folder.rglob("*"))]:
        if (
            path.is_file()
            and office.keys not in path.parents
            and path.name not in {"postgres-owner-password", "role-passwords.json"}
        ):
            yield path, path.read_bytes()


def test_no_word_name_file_name_or_byte_of_hers_is_found(
    robbed: tuple[Office, Reporter, str, Path],
) -> None:
    office, hers, code, dump = robbed
    canaries = [CANARY_WORDS, CANARY_ACCOUNT, CANARY_FILE_NAME, CANARY_MESSAGE, code, hers.cookie]
    canaries += [hashlib.sha256(CANARY_BYTES).hexdigest()]
    needles = [canary.encode() for canary in canaries] + [CANARY_BYTES[:22]]
    needles += [needle.hex().encode() for needle in needles]
    searched = 0
    for path, data in _loot(office, dump):
        for needle in needles:
            assert needle not in data, (path, needle[:30])
        searched += len(data)
    assert searched > 10_000_000


def test_the_search_itself_would_find_one(robbed: tuple[Office, Reporter, str, Path]) -> None:
    office, _hers, _code, dump = robbed
    (office.folder / "logs" / "planted.log").write_text(f"oops {CANARY_WORDS}")
    try:
        assert any(CANARY_WORDS.encode() in data for _path, data in _loot(office, dump))
    finally:
        (office.folder / "logs" / "planted.log").unlink()


def test_no_string_of_the_dump_opens_anything(robbed: tuple[Office, Reporter, str, Path]) -> None:
    """Every hash, token and id of the dump, tried as her cookie, as her code and as a partner's collection code."""
    office, hers, _code, dump = robbed
    strings = sorted(set(re.findall(r"[A-Za-z0-9_-]{20,90}", dump.read_text(errors="replace"))))
    likely = [one for one in strings if re.search(r"\d", one)]
    assert len(likely) > 50
    for one in likely[:400]:
        thief = Reporter(office.address("public"), office.address("upload"), cookie=one)
        assert thief.get("/mine/").status == 403, one
    digits = [one for one in strings if one.isdigit() and len(one) == 25]
    for one in digits:
        assert Reporter(office.address("public"), office.address("upload")).post(
            "/back/", code=one
        ).status in {400, 404}
    assert COOKIE not in dump.read_text(errors="replace")
    partner = Reporter(office.address("partner"), "")
    for one in [one for one in likely if re.fullmatch(r"[0-9a-f]{40,64}", one)][:200]:
        assert partner.post("/partner/package/", code=one).status == 404
    assert hers.get("/mine/").status == 200
