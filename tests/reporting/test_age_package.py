"""A package on its way out: encrypted while it is written, its hashes known or taken."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cases.exports.bag import Bag, NotAsKnown
from cases.exports.encrypt_for import EncryptFor, Hashing
from cases.exports.formats import exhibits
from reporting.vault import age, keys
from reporting.vault.digests import Digests, Hasher, digests_of


class _Memory:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)


@pytest.mark.parametrize("make", [keys.new_secret, keys.new_office_secret])
def test_what_is_written_in_pieces_of_any_size_opens_with_the_partners_key(
    make: Callable[[], keys.Secret],
) -> None:
    secret, out = make(), _Memory()
    hashing = Hashing(out)
    pieces = [os.urandom(size) for size in (0, 1, 70_000, 262_144, 5_000_000, 3, 65_536)]
    with EncryptFor(keys.public_key_of(secret), hashing) as sink:
        for piece in pieces:
            assert sink.write(piece) == len(piece)
    assert age.decrypt(out.data, [secret]) == b"".join(pieces)
    assert hashing.sha256 == hashlib.sha256(out.data).hexdigest()
    assert hashing.size == len(out.data)


def test_what_the_writer_changes_afterwards_is_not_encrypted() -> None:
    secret, out = keys.new_secret(), _Memory()
    piece = bytearray(b"x" * 1_000_000)
    with EncryptFor(keys.public_key_of(secret), out) as sink:
        sink.write(piece)
        piece[:] = b"y" * 1_000_000
    assert age.decrypt(out.data, [secret]) == b"x" * 1_000_000


def test_a_build_that_fails_leaves_no_whole_file() -> None:
    secret, out = keys.new_secret(), _Memory()

    def build() -> None:
        with EncryptFor(keys.public_key_of(secret), out) as sink:
            sink.write(os.urandom(9_000_000))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        build()
    with pytest.raises(age.AgeError):
        age.decrypt(out.data, [secret])


class _Full:
    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise OSError("no room")


def test_an_error_of_the_disk_reaches_the_builder() -> None:
    with (
        pytest.raises(OSError, match="no room"),
        EncryptFor(keys.public_key_of(keys.new_secret()), _Full()) as sink,
    ):
        sink.write(b"x" * 300_000)


class _Stuck:
    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.may_go_on.wait(60)


def test_a_slow_disk_slows_the_builder() -> None:
    stuck, written = _Stuck(), []

    def build() -> None:
        with EncryptFor(keys.public_key_of(keys.new_secret()), stuck) as sink:
            for number in range(40):
                sink.write(bytes(1024**2))
                written.append(number)

    building = threading.Thread(target=build)
    building.start()
    building.join(timeout=1)
    waits, ahead = building.is_alive(), len(written)
    stuck.may_go_on.set()
    building.join(timeout=60)
    assert waits
    assert ahead <= EncryptFor._AHEAD + EncryptFor._BUFFER // 1024**2 + 1
    assert len(written) == 40


def _bag() -> tuple[Bag, io.BytesIO]:
    out = io.BytesIO()
    return Bag("EVP-test", out), out


def _opening(*pieces: bytes) -> Callable[[Hasher], Iterator[bytes]]:
    def open_original(hasher: Hasher) -> Iterator[bytes]:
        for piece in pieces:
            hasher.update(piece)
            yield piece

    return open_original


def test_hashes_are_taken_where_none_are_known() -> None:
    bag, out = _bag()
    pieces = [os.urandom(1_000_000) for _ in range(3)]
    bag.payload("a.txt", b"words")
    text, original = bag._payload["data/a.txt"], bag.stream("b.bin", _opening(*pieces))
    assert text.digests == digests_of(b"words")
    assert original.digests == digests_of(b"".join(pieces))
    assert (text.size, original.size) == (5, 3_000_000)
    bag._zip.close()
    assert zipfile.ZipFile(out).read("EVP-test/data/b.bin") == b"".join(pieces)


def test_known_hashes_are_written_when_sha256_fits_and_refused_when_not() -> None:
    content = b"an original"
    known = Digests(md5="m", sha1="s", sha256=digests_of(content).sha256, sha512="t")
    bag, _ = _bag()
    assert bag.stream("a", _opening(content), known).digests == known
    with pytest.raises(NotAsKnown):
        bag.stream("b", _opening(b"another original"), known)
    with pytest.raises(NotAsKnown):
        bag.stream("c", lambda hasher: [content], known)


def _act(event: str, item: str, **detail: Any) -> SimpleNamespace:
    return SimpleNamespace(
        canonical=json.dumps({"event": event, "object": item}),
        withheld=False,
        revealed=b"0" * 32 + json.dumps(detail).encode(),
    )


def test_an_exhibits_hashes_come_from_the_act_that_verified_it() -> None:
    exhibit: Any = SimpleNamespace(
        entry=SimpleNamespace(id="E-1"), facts=SimpleNamespace(sha256="of receipt")
    )
    hashes = {"md5": "m", "sha1": "s", "sha512": "t"}
    material: Any = SimpleNamespace(events=[_act("evidence:revealed", "E-1", **hashes)])
    material.events.append(_act("evidence:verified", "E-2", **hashes))
    material.events.append(_act("evidence:verified", "E-1", matched=True))
    assert exhibits._known_digests(exhibit, material) is None
    material.events.append(_act("evidence:verified", "E-1", matched=True, **hashes))
    assert exhibits._known_digests(exhibit, material) == Digests("m", "s", "of receipt", "t")
