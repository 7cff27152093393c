"""Sealing, keeping, opening; and opening with the `age` program alone."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from reporting import evidence
from reporting.vault import age, digests, keys, lanes, reader, sealer, store
from reporting.vault.fields import seal_text
from tests.conftest import count


@pytest.fixture
def disk(tmp_path: Path) -> store.DiskStore:
    return store.DiskStore(tmp_path / "disk", floor=0)


def _seal(
    disk: store.DiskStore,
    data: bytes,
    secret: keys.Secret,
    *,
    name: str = "object-1",
    chunk: int = 70_001,
) -> sealer.Sealed:
    stream = sealer.Sealer(disk.stage(name), keys.public_key_of(secret))
    for start in range(0, len(data), chunk):
        stream.write(data[start : start + chunk])
    return stream.finish()


@pytest.mark.parametrize(
    "size", [0, 1, sealer.SEGMENT - 1, sealer.SEGMENT, sealer.SEGMENT + 1, 2 * sealer.SEGMENT + 5]
)
def test_a_file_of_any_size_comes_back_byte_for_byte(disk: store.DiskStore, size: int) -> None:
    secret, data = keys.new_secret(), random.Random(size).randbytes(size)
    sealed = _seal(disk, data, secret)
    with disk.open("object-1") as source:
        visit = b"".join(reader.open_segments(source, secret, sealed))
    assert visit == data
    assert sealed.sha256 == hashlib.sha256(data).hexdigest()
    with disk.open("object-1") as source:
        assert reader.ciphertext_sha256(source) == sealed.ciphertext_sha256


def test_any_flipped_bit_of_the_object_is_found(disk: store.DiskStore) -> None:
    secret, data = keys.new_secret(), os.urandom(3000)
    sealed = _seal(disk, data, secret)
    path = disk._path("object-1")
    original = path.read_bytes()
    chance = random.Random(7)
    for _ in range(count(2000, 150)):
        bit = chance.randrange(len(original) * 8)
        broken = bytearray(original)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        with disk.open("object-1") as source, pytest.raises(reader.HashMismatch):
            list(reader.open_segments(source, secret, sealed))


def test_the_same_bytes_sealed_again_are_found_by_the_hash_of_the_ciphertext(
    disk: store.DiskStore,
) -> None:
    """Anybody with the public key can seal; the ledger names this one ciphertext.

    Opening gives the recorded bytes all the same; the nightly re-hash says what happened.
    """
    secret = keys.new_secret()
    sealed = _seal(disk, b"same bytes", secret)
    _seal(disk, b"same bytes", secret, name="object-2")
    with disk.open("object-2") as source:
        assert b"".join(reader.open_segments(source, secret, sealed)) == b"same bytes"
    with disk.open("object-2") as source:
        assert reader.ciphertext_sha256(source) != sealed.ciphertext_sha256


def _frames(whole: bytes) -> list[bytes]:
    frames = []
    while whole:
        size = sealer.FRAME_HEADER.size
        size += sealer.FRAME_HEADER.unpack(whole[:size])[1]
        frames.append(whole[:size])
        whole = whole[size:]
    return frames


def _frame(plain: bytes, public_key: keys.PublicKey) -> bytes:
    age_file = age.encrypt(plain, [public_key])
    return sealer.FRAME_HEADER.pack(sealer.FRAME_VERSION, len(age_file)) + age_file


@pytest.fixture(scope="module")
def three_segments(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[keys.Secret, sealer.Sealed, list[bytes]]:
    """A secret, what is on record of an object of three segments, and the object's frames."""
    disk = store.DiskStore(tmp_path_factory.mktemp("vault"), floor=0)
    secret = keys.new_secret()
    data = b"a" * sealer.SEGMENT + b"b" * sealer.SEGMENT + b"c" * 1000
    sealed = _seal(disk, data, secret)
    return secret, sealed, _frames(disk._path("object-1").read_bytes())


# Name → (frame, frame, frame), a forged full frame, a forged last frame → what lies in the vault.
_DAMAGE: dict[str, Callable[[list[bytes], bytes, bytes], bytes]] = {
    "the last frame is gone": lambda f, full, last: f[0] + f[1],
    "two frames are gone": lambda f, full, last: f[0],
    "everything is gone": lambda f, full, last: b"",
    "the first frame is gone": lambda f, full, last: f[1] + f[2],
    "a byte of the last frame is gone": lambda f, full, last: f[0] + f[1] + f[2][:-1],
    "a frame's header is cut": lambda f, full, last: f[0] + f[1][:3],
    "a byte is added": lambda f, full, last: b"".join(f) + b"\0",
    "a frame is added": lambda f, full, last: b"".join(f) + last,
    "a frame comes twice": lambda f, full, last: f[0] + f[1] + f[1] + f[2],
    "two frames are swapped": lambda f, full, last: f[1] + f[0] + f[2],
    "the last frame is first": lambda f, full, last: f[2] + f[0] + f[1],
    "one frame stands for another": lambda f, full, last: f[0] + f[0] + f[2],
    "a frame is another's": lambda f, full, last: f[0] + full + f[2],
    "the last frame is another's": lambda f, full, last: f[0] + f[1] + last,
    "another version": lambda f, full, last: b"\2" + f[0][1:] + f[1] + f[2],
    "a length of four GiB": lambda f, full, last: b"\1\xff\xff\xff\xff" + f[0][5:] + f[1] + f[2],
}


@pytest.mark.parametrize("damage", _DAMAGE)
def test_an_object_with_other_frames_is_refused(
    three_segments: tuple[keys.Secret, sealer.Sealed, list[bytes]], damage: str
) -> None:
    secret, sealed, frames = three_segments
    public_key = keys.public_key_of(secret)
    full, last = (_frame(b"x" * length, public_key) for length in (sealer.SEGMENT, 1000))
    damaged = _DAMAGE[damage](frames, full, last)
    handed_out: list[bytes] = []
    with pytest.raises(reader.HashMismatch):
        handed_out.extend(reader.open_segments(io.BytesIO(damaged), secret, sealed))
    # The last segment is held back until the whole is right: nobody gets to the end by mistake.
    assert sum(map(len, handed_out)) <= 2 * sealer.SEGMENT


def test_the_same_bytes_in_other_segments_are_refused(
    three_segments: tuple[keys.Secret, sealer.Sealed, list[bytes]],
) -> None:
    """The hash of the whole is right, the cuts are not: this is not what the sealer writes."""
    secret, sealed, frames = three_segments
    public_key = keys.public_key_of(secret)
    first = _frame(b"a" * (sealer.SEGMENT - 1), public_key)
    second = _frame(b"a" + b"b" * (sealer.SEGMENT - 1), public_key)
    object_ = first + second + _frame(b"b" + b"c" * 1000, public_key)
    with pytest.raises(reader.HashMismatch, match="not the one that was sealed"):
        list(reader.open_segments(io.BytesIO(object_), secret, sealed))
    with pytest.raises(reader.HashMismatch, match="is cut"):
        list(reader.open_segments(io.BytesIO(frames[0][:-1]), secret, sealed))


def test_nothing_of_a_one_segment_file_is_handed_out_before_it_is_checked() -> None:
    secret = keys.new_secret()
    public_key = keys.public_key_of(secret)
    forged = _frame(b"forged words", public_key)
    digest = hashlib.sha256(b"genuine word").hexdigest()
    sealed = sealer.Sealed(12, digest, len(forged), hashlib.sha256(forged).hexdigest())
    handed_out: list[bytes] = []
    with pytest.raises(reader.HashMismatch):
        handed_out.extend(reader.open_segments(io.BytesIO(forged), secret, sealed))
    assert handed_out == []


@pytest.mark.parametrize("size", [0, 5, sealer.SEGMENT + 1])
def test_all_four_hashes_are_taken_in_one_opening(disk: store.DiskStore, size: int) -> None:
    secret, data = keys.new_secret(), random.Random(size).randbytes(size)
    sealed = _seal(disk, data, secret)
    with disk.open("object-1") as source:
        found = reader.all_digests(source, secret, sealed)
    expected = {
        name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")
    }
    assert vars(found) == expected == vars(digests.digests_of(data))


def test_each_hash_of_an_original_is_taken_once(
    disk: store.DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    class Noting(digests.Hasher):
        def __init__(self, *algorithms: str) -> None:
            hashed.extend(algorithms)
            super().__init__(*algorithms)

    secret = keys.new_secret()
    sealed = _seal(disk, b"an original", secret)
    monkeypatch.setattr(reader, "Hasher", Noting)
    with disk.open("object-1") as source:
        reader.all_digests(source, secret, sealed)
    assert sorted(hashed) == sorted(digests.ALGORITHMS)


def test_a_hasher_that_has_other_bytes_refuses_the_original(disk: store.DiskStore) -> None:
    secret = keys.new_secret()
    sealed = _seal(disk, b"an original", secret)
    hasher = digests.Hasher("sha256")
    hasher.update(b"something else")
    with disk.open("object-1") as source, pytest.raises(reader.HashMismatch):
        list(reader.open_segments(source, secret, sealed, hasher))


def test_what_the_caller_changes_after_writing_is_not_sealed(disk: store.DiskStore) -> None:
    secret = keys.new_secret()
    stream = sealer.Sealer(disk.stage("object-1"), keys.public_key_of(secret))
    chunk = bytearray(b"x" * 2_000_000)
    stream.write(chunk)
    chunk[:] = b"y" * 2_000_000
    sealed = stream.finish()
    assert sealed.sha256 == hashlib.sha256(b"x" * 2_000_000).hexdigest()
    with disk.open("object-1") as source:
        assert b"".join(reader.open_segments(source, secret, sealed)) == b"x" * 2_000_000


def test_a_small_file_needs_no_thread(
    disk: store.DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a lane was used")

    monkeypatch.setattr(lanes.Lane, "put", refuse)
    _seal(disk, b"x" * sealer._DIRECT, keys.new_secret())
    with pytest.raises(AssertionError, match="lane"):
        _seal(disk, b"x" * (sealer._DIRECT + 1), keys.new_secret(), name="object-2")


class _Slow:
    """A store that takes nothing until it is told to, and then fails or not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_go_on, self.error, self.discarded = threading.Event(), error, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.may_go_on.wait(60)
        if self.error:
            raise self.error

    def keep(self) -> None: ...

    def discard(self) -> None:
        self.discarded = True


def test_a_slow_disk_slows_the_caller_and_memory_stays_bounded() -> None:
    slow = _Slow()
    stream = sealer.Sealer(slow, keys.public_key_of(keys.new_secret()))
    piece = bytes(sealer._PIECE)

    def feed() -> None:
        for _ in range(64):
            stream.write(piece)

    feeding = threading.Thread(target=feed)
    feeding.start()
    feeding.join(timeout=2)
    waits, taken = feeding.is_alive(), stream.size
    slow.may_go_on.set()
    feeding.join(timeout=60)
    ahead = sealer._PIECES_AHEAD * sealer._PIECE + sealer._DIRECT + sealer._PIECE
    assert waits
    assert taken <= sealer._FRAMES_AHEAD * sealer.SEGMENT + ahead
    assert stream.finish().size == 64 * sealer._PIECE


def test_an_error_of_the_disk_reaches_the_caller_and_the_object_is_discarded() -> None:
    slow = _Slow(store.VaultFull("no room"))
    slow.may_go_on.set()
    stream = sealer.Sealer(slow, keys.public_key_of(keys.new_secret()))
    with pytest.raises(store.VaultFull, match="no room"):  # noqa: PT012 – either call may raise
        for _ in range(64):
            stream.write(bytes(sealer._PIECE))
        stream.finish()
    stream.discard()
    assert slow.discarded


def test_more_uploads_than_threads_come_to_their_end(disk: store.DiskStore) -> None:
    secret, data = keys.new_secret(), os.urandom(3_000_000)

    def seal(number: int) -> sealer.Sealed:
        return _seal(disk, data, secret, name=f"object-{number}", chunk=300_000)

    with ThreadPoolExecutor(max_workers=24) as callers:
        all_sealed = list(callers.map(seal, range(24), timeout=120))
    assert {sealed.sha256 for sealed in all_sealed} == {hashlib.sha256(data).hexdigest()}


def test_a_failed_fsync_fails_the_file_and_is_not_tried_again(
    disk: store.DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def fail(descriptor: int) -> None:
        asked.append(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    stream = sealer.Sealer(disk.stage("object-5"), keys.public_key_of(keys.new_secret()))
    stream.write(b"x" * 2_000_000)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(store.VaultFull):
            stream.finish()
    assert len(asked) == 1
    stream.discard()
    assert not list(disk._root.glob("*/*"))


def test_the_kernel_is_asked_to_write_every_byte_of_a_large_file_and_none_of_a_small_one(
    disk: store.DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def note(descriptor: int, start: int, length: int, advice: int) -> None:
        asked.append((start, start + length))

    monkeypatch.setattr(os, "posix_fadvise", note)
    small, large = disk.stage("object-1"), disk.stage("object-2")
    small.write(bytes(1000))
    assert asked == []
    for _ in range(64):
        large.write(bytes(1024**2))
    assert asked[0][0] == 0
    assert all(start <= end for (_, end), (start, _) in pairwise(asked))
    assert asked[-1][1] == 64 * 1024**2
    assert asked[-1][0] > 0  # not the whole file again each time
    for staged in (small, large):
        staged.discard()


def test_a_lane_keeps_the_order_and_drops_what_waits_after_an_error() -> None:
    lane = lanes.Lane()
    done: list[int] = []
    for number in range(50):
        lane.put(partial(done.append, number))
    lane.finish()
    assert done == list(range(50))
    gate = threading.Event()
    lane.put(gate.wait)
    lane.put(lambda: 1 // 0)
    lane.put(lambda: done.append(99))
    gate.set()
    with pytest.raises(ZeroDivisionError):
        lane.finish()
    with pytest.raises(ZeroDivisionError):
        lane.put(lambda: done.append(99))
    lane.stop()
    assert 99 not in done


def test_what_is_not_kept_is_not_there(disk: store.DiskStore) -> None:
    stream = sealer.Sealer(disk.stage("object-2"), keys.public_key_of(keys.new_secret()))
    stream.write(b"half")
    assert disk.names() == []
    stream.discard()
    assert not list(disk._root.glob("*/*"))


def test_the_floor_holds_for_files_that_all_began_above_it(
    disk: store.DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = disk.stage("object-4")
    staged.write(b"x" * store._CHECK_EVERY)
    monkeypatch.setattr(
        store.DiskStore, "free_bytes", lambda self: 0
    )  # others have filled the disk meanwhile
    with pytest.raises(store.VaultFull, match="floor"):
        staged.write(b"x" * store._CHECK_EVERY)
    staged.discard()
    assert disk.names() == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    full = store.DiskStore(tmp_path / "full", floor=10**18)
    with pytest.raises(store.VaultFull):
        full.stage("object-3")
    assert full.names() == []


def test_a_changed_byte_of_sealed_text_is_refused() -> None:
    secret = keys.new_secret()
    sealed = bytearray(seal_text("they wrote this", keys.public_key_of(secret)))
    assert evidence.open_text(bytes(sealed), secret) == "they wrote this"
    sealed[-1] ^= 1
    with pytest.raises(keys.WrongKey):
        evidence.open_text(bytes(sealed), secret)
