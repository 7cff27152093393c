"""Sealing, keeping, opening; and opening with the `age` program alone."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from pathlib import Path

import pytest

from reporting import evidence
from reporting.vault import codes, keys, reader, sealer, store
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


def test_the_same_bytes_sealed_again_are_not_the_object_that_was_recorded(
    disk: store.DiskStore,
) -> None:
    """Anybody with the public key can seal; the ledger names this one ciphertext."""
    secret = keys.new_secret()
    sealed = _seal(disk, b"same bytes", secret)
    _seal(disk, b"same bytes", secret, name="object-2")
    with disk.open("object-2") as source, pytest.raises(reader.HashMismatch):
        list(reader.open_segments(source, secret, sealed))


def test_swapped_segments_are_found(disk: store.DiskStore) -> None:
    secret = keys.new_secret()
    sealed = _seal(disk, b"a" * sealer.SEGMENT + b"b" * sealer.SEGMENT, secret)
    path = disk._path("object-1")
    whole = path.read_bytes()
    first = (
        sealer.FRAME_HEADER.size + sealer.FRAME_HEADER.unpack(whole[: sealer.FRAME_HEADER.size])[1]
    )
    path.write_bytes(whole[first:] + whole[:first])
    handed_out: list[bytes] = []
    with disk.open("object-1") as source, pytest.raises(reader.HashMismatch):
        handed_out.extend(reader.open_segments(source, secret, sealed))
    assert (
        handed_out == []
    )  # a wrong segment is noticed before it is handed out, not only at the end


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
    staged.write(b"x" * store._SYNC_EVERY)
    monkeypatch.setattr(
        store.DiskStore, "free_bytes", lambda self: 0
    )  # others have filled the disk meanwhile
    with pytest.raises(store.VaultFull, match="floor"):
        staged.write(b"x" * store._SYNC_EVERY)
    staged.discard()
    assert disk.names() == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    full = store.DiskStore(tmp_path / "full", floor=10**18)
    with pytest.raises(store.VaultFull):
        full.stage("object-3")
    assert full.names() == []


@pytest.mark.needs("age")
def test_a_court_expert_opens_an_object_with_age_alone(
    disk: store.DiskStore, tmp_path: Path
) -> None:
    """The script stands in vault/README.md; here it is taken from there and run."""
    secret, data = keys.new_secret(), os.urandom(sealer.SEGMENT + 1234)
    _seal(disk, data, secret)
    readme = Path("reporting/vault/README.md").read_text()
    script = readme.split("```sh\n", 1)[1].split("```", 1)[0]
    (tmp_path / "key").write_text(secret)
    (tmp_path / "open.sh").write_text(script)
    done = subprocess.run(
        [
            "sh",
            str(tmp_path / "open.sh"),
            str(disk._path("object-1")),
            str(tmp_path / "key"),
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == data


def test_a_wrap_of_another_key_is_refused() -> None:
    mine, other, holder = keys.new_secret(), keys.new_secret(), keys.new_secret()
    wrapped = keys.wrap(other, keys.public_key_of(holder))
    with pytest.raises(keys.WrongKey):
        keys.unwrap(wrapped, holder, expected=keys.public_key_of(mine))
    with pytest.raises(keys.WrongKey):
        keys.unwrap(wrapped, mine, expected=keys.public_key_of(other))


def test_a_changed_byte_of_sealed_text_is_refused() -> None:
    secret = keys.new_secret()
    sealed = bytearray(seal_text("she wrote this", keys.public_key_of(secret)))
    assert evidence.open_text(bytes(sealed), secret) == "she wrote this"
    sealed[-1] ^= 1
    with pytest.raises(keys.WrongKey):
        evidence.open_text(bytes(sealed), secret)


def test_a_code_is_read_in_any_digits_script() -> None:
    code = codes.mint()
    arabic = codes.grouped(code).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert codes.parse(arabic.replace(" ", "-")) == code
    assert codes.derive(code) == codes.derive(codes.parse(codes.grouped(code)))


@pytest.mark.counted
def test_every_single_mistyped_or_swapped_digit_is_noticed() -> None:
    chance = random.Random(3)
    for _ in range(count(2000, 100)):
        code = codes.mint()
        place = chance.randrange(25)
        wrong = (
            code[:place]
            + str((int(code[place]) + chance.randrange(1, 10)) % 10)
            + code[place + 1 :]
        )
        with pytest.raises(codes.NotACode):
            codes.parse(wrong)
        if place < 24 and code[place] != code[place + 1]:
            with pytest.raises(codes.NotACode):
                codes.parse(code[:place] + code[place + 1] + code[place] + code[place + 2 :])
