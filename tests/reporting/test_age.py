"""The age format, judged by the C2SP test vectors, by other programs, and by hand-made damage."""

from __future__ import annotations

import hashlib
import random
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from reporting.vault import age, age_header, age_keys, keys

VECTORS_FOLDER = Path(__file__).parent.parent / "vectors"
TESTKIT, NPM = VECTORS_FOLDER / "age-testkit", VECTORS_FOLDER / "age-npm"
APPLICABLE, ARMOURED, PASSPHRASE = 85, 33, 25
SIZES = [0, 1, 16, 65535, 65536, 65537, 131072, 131073, 1_000_000]
KINDS = {
    "header failure": age.HeaderFailure,
    "no match": age.NoMatch,
    "HMAC failure": age.MacFailure,
    "payload failure": age.PayloadFailure,
}


@dataclass(frozen=True)
class Vector:
    name: str
    facts: dict[str, list[str]]
    data: bytes

    @property
    def expect(self) -> str:
        return self.facts["expect"][0]

    @property
    def secrets(self) -> list[str]:
        """One vector (the empty file) names none: then any will do."""
        return self.facts.get("identity") or [keys.new_secret()]


def _vectors() -> list[Vector]:
    found = []
    for path in sorted(TESTKIT.iterdir()):
        if path.name in ("README.md", "SHA256SUMS"):
            continue
        head, _, data = path.read_bytes().partition(b"\n\n")
        facts: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            facts.setdefault(key, []).append(value)
        if facts.get("compressed") == ["zlib"]:
            data = zlib.decompress(data)
        found.append(Vector(path.name, facts, data))
    return found


VECTORS = _vectors()
OURS = [
    vector
    for vector in VECTORS
    if "armored" not in vector.facts and "passphrase" not in vector.facts
]


def _pushed(data: bytes, secrets: list[str], piece: int, kept: list[bytes]) -> None:
    decryptor = age.Decryptor(secrets)
    for start in range(0, len(data), piece):
        kept.extend(decryptor.update(data[start : start + piece]))
    kept.append(decryptor.finish())


def test_the_vectors_are_the_published_ones_and_all_that_apply_run() -> None:
    lines = (TESTKIT / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert listed.keys() == {vector.name for vector in VECTORS}
    for name, digest in listed.items():
        assert hashlib.sha256((TESTKIT / name).read_bytes()).hexdigest() == digest
    armoured = sum("armored" in vector.facts for vector in VECTORS)
    assert (len(OURS), armoured) == (APPLICABLE, ARMOURED)
    assert len(VECTORS) == APPLICABLE + ARMOURED + PASSPHRASE


# A byte at a time costs minutes on the large vectors, so those come in 7,919 (a prime) instead.
@pytest.mark.parametrize("piece", ["whole", "tiny", 65_552, 65_536])
@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector.name)
def test_a_vector_of_the_testkit_pushed_in_pieces(vector: Vector, piece: int | str) -> None:
    size = len(vector.data)
    step = {"whole": max(1, size), "tiny": 1 if size < 5000 else 7919}.get(str(piece)) or int(piece)
    kept: list[bytes] = []
    if vector.expect == "success":
        _pushed(vector.data, vector.secrets, step, kept)
    else:
        with pytest.raises(KINDS[vector.expect]) as caught:
            _pushed(vector.data, vector.secrets, step, kept)
        assert type(caught.value) is KINDS[vector.expect]
    if "payload" in vector.facts:
        assert hashlib.sha256(b"".join(kept)).hexdigest() == vector.facts["payload"][0]
    else:
        assert kept == []


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector.name)
def test_a_vector_of_the_testkit_in_memory(vector: Vector) -> None:
    if vector.expect == "success":
        plain = age.decrypt(vector.data, vector.secrets)
        assert hashlib.sha256(plain).hexdigest() == vector.facts["payload"][0]
    else:
        with pytest.raises(KINDS[vector.expect]):
            age.decrypt(vector.data, vector.secrets)


def _encrypt_pushed(plain: bytes, public_keys: list[str], *, piece: int, room: int) -> bytes:
    out = bytearray()
    encryptor = age.Encryptor(public_keys, bytearray(room), out.extend)
    for start in range(0, len(plain), piece):
        encryptor.update(plain[start : start + piece])
    encryptor.finish()
    return bytes(out)


SECRETS: dict[str, Callable[[], keys.Secret]] = {
    "x25519": keys.new_secret,
    "hybrid": keys.new_office_secret,
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("size", SIZES)
def test_what_is_encrypted_comes_back(kind: str, size: int) -> None:
    secret, plain = SECRETS[kind](), random.Random(size).randbytes(size)
    public_key = keys.public_key_of(secret)
    for piece, room in ((1 << 24, 1 << 21), (70_001, 70_000), (65_536, 131_200)):
        sealed = _encrypt_pushed(plain, [public_key], piece=piece, room=room)
        assert age.decrypt(sealed, [secret]) == plain
    sealed = age.encrypt(plain, [public_key])
    kept: list[bytes] = []
    _pushed(sealed, [secret], 7919, kept)
    assert b"".join(kept) == plain


def test_a_file_for_several_keys_opens_with_each() -> None:
    secrets = [make() for make in SECRETS.values() for _ in range(2)]
    sealed = age.encrypt(b"for four", [keys.public_key_of(secret) for secret in secrets])
    assert [age.decrypt(sealed, [secret]) for secret in secrets] == [b"for four"] * 4
    with pytest.raises(age.NoMatch):
        age.decrypt(sealed, [keys.new_secret()])


def test_a_file_for_nobody_is_not_written() -> None:
    with pytest.raises(ValueError, match="at least one"):
        age.encrypt(b"lost", [])


def test_a_header_without_an_end_is_not_awaited_for_ever() -> None:
    decryptor = age.Decryptor([keys.new_secret()])
    assert list(decryptor.update(b"-> grease\n" * (age.MAX_HEADER // 10))) == []
    with pytest.raises(age.HeaderFailure, match="too long"):
        list(decryptor.update(b"-> grease\n"))


@pytest.mark.parametrize("kind", SECRETS)
def test_any_flipped_bit_is_refused(kind: str) -> None:
    secret, plain = SECRETS[kind](), b"words"
    sealed = age.encrypt(plain, [keys.public_key_of(secret)])
    for bit in range(0, len(sealed) * 8, 7):
        broken = bytearray(sealed)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(age.AgeError):
            age.decrypt(broken, [secret])


@pytest.mark.parametrize("kind", SECRETS)
def test_a_mistyped_key_is_refused(kind: str) -> None:
    secret = SECRETS[kind]()
    public_key = keys.public_key_of(secret)
    for parse, text in ((age_keys.parse_public, public_key), (age_keys.parse_secret, secret)):
        parse(text)
        place = len(text) // 2
        other = "q" if text[place].lower() != "q" else "p"
        mistyped = text[:place] + (other.upper() if text.isupper() else other) + text[place + 1 :]
        for wrong in (mistyped, text[:-1], text + text[-1], text.swapcase()[:9] + text[9:], ""):
            with pytest.raises(age.NotAKey):
                parse(wrong)
    with pytest.raises(age.NotAKey):
        age_keys.parse_public(secret)


@pytest.mark.needs("age")
@pytest.mark.parametrize("size", SIZES)
def test_debian_age_opens_ours_and_we_open_its(size: int, tmp_path: Path) -> None:
    secret, plain = keys.new_secret(), random.Random(size).randbytes(size)
    public_key = keys.public_key_of(secret)
    key, file = tmp_path / "key", tmp_path / "file.age"
    key.write_text(secret)
    file.write_bytes(age.encrypt(plain, [public_key]))
    opened = subprocess.run(
        ["age", "--decrypt", "--identity", str(key), str(file)], capture_output=True, check=True
    )
    assert opened.stdout == plain
    theirs = subprocess.run(
        ["age", "--recipient", public_key], input=plain, capture_output=True, check=True
    )
    assert age.decrypt(theirs.stdout, [secret]) == plain


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_ours_and_we_open_its(size: int) -> None:
    secret, plain = keys.new_secret(), random.Random(size).randbytes(size)
    public_key = keys.public_key_of(secret)
    identity = pyrage.x25519.Identity.from_str(secret)
    assert str(identity.to_public()) == public_key
    assert pyrage.decrypt(age.encrypt(plain, [public_key]), [identity]) == plain
    theirs = pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(public_key)])
    assert age.decrypt(theirs, [secret]) == plain


def test_a_passphrase_beside_another_stanza_is_refused_though_we_hold_the_other_key() -> None:
    secret = keys.new_secret()
    file_key = bytes(16)
    public = age_keys.parse_public(keys.public_key_of(secret))
    stanza = age_header.Stanza((b"scrypt", b"AAAAAAAAAAAAAAAAAAAAAA", b"10"), bytes(32))

    class Passphrase:
        def wrap(self, file_key: bytes) -> age_header.Stanza:
            return stanza

    alone, beside = [public], [public, Passphrase()]
    with pytest.raises(age.HeaderFailure, match="nonce"):  # the header itself opens
        age.decrypt(age_header.write(file_key, alone), [secret])
    with pytest.raises(age.HeaderFailure, match="passphrase"):
        age.decrypt(age_header.write(file_key, beside), [secret])


def test_base64_has_one_spelling() -> None:
    for wrong in (b"AA==", b"AB", b"A", b"AA\n", b"A-"):
        with pytest.raises(age.HeaderFailure):
            age_header.decode_base64(wrong)
    assert age_header.decode_base64(b"AA") == b"\0"


@pytest.mark.parametrize("size", [0, 1, 65536, 65537])
def test_a_hybrid_file_of_npm_age_encryption_opens(size: int) -> None:
    secret = (NPM / "hybrid.key").read_text().strip()
    sealed = (NPM / f"hybrid-{size}.age").read_bytes()
    assert age.decrypt(sealed, [secret]) == bytes(i % 251 for i in range(size))


def test_npm_age_encryption_names_the_same_public_key_and_the_same_file() -> None:
    hybrid, x25519 = ((NPM / f"{kind}.key").read_text().strip() for kind in ("hybrid", "x25519"))
    assert keys.public_key_of(keys.Secret(hybrid)) == (NPM / "hybrid.pub").read_text().strip()
    sealed = (NPM / "both-1.age").read_bytes()
    assert [age.decrypt(sealed, [secret]) for secret in (hybrid, x25519)] == [b"\0", b"\0"]
