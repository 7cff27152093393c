"""Checkpoints: what the tree was at a size, signed. C2SP tlog-checkpoint and signed-note, Ed25519
(algorithm 0x01).

`checkpoints.log` lies outside PostgreSQL, one JSON line a checkpoint, fsynced before anybody sees
the checkpoint.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

_ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_LONGEST_LINE = 65_536  # bytes of a line of the log, many times over


class NotACheckpoint(Exception):
    """Not a signed note in our form, or the signature is not by the log's key."""


class LogUnreadable(Exception):
    """A line of checkpoints.log is not a line of checkpoints.log; the message names it."""


@dataclass(frozen=True)
class SignedCheckpoint:
    """`note`: as it was signed, with the signatures of others where it carries some."""

    origin: str
    size: int
    root: bytes
    note: str


@dataclass(frozen=True)
class Logged:
    """One line of checkpoints.log. `at`: when the sequencer signed, by the database's clock; nobody
    signed the time."""

    line: int
    note: str
    at: datetime


def sign(*, origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> SignedCheckpoint:
    """The same tree gives the same bytes for ever: neither the note nor an Ed25519 signature holds
    a time."""
    body = f"{origin}\n{size}\n{_base64(root)}\n"
    signature = key_id(origin, key.public_key()) + key.sign(body.encode())
    note = f"{body}\n{_signature_line(origin, signature)}\n"
    return SignedCheckpoint(origin, size, root, note)


def read(note: str, key: Ed25519PublicKey) -> SignedCheckpoint:
    """Raises NotACheckpoint.

    Other signatures and extension lines are passed over, as C2SP wants, so that witnesses can
    cosign. What we sign has one spelling: a note that differs from it in a single bit is refused.
    """
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not all(lines) or not signatures.endswith("\n"):
        raise NotACheckpoint("not a signed note")
    origin, size, root = lines[:3]
    body = f"{text}\n".encode()
    signed = False
    for line in signatures[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise NotACheckpoint("a signature line is none")
        signature = _unbase64(match[2])
        if match[1] == origin and signature[:4] == key_id(origin, key):
            _verify(key, signature[4:], body)
            signed = True
    if not signed:
        raise NotACheckpoint("not signed by this ledger's key")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size):
        raise NotACheckpoint("its size is no number")
    return SignedCheckpoint(origin, int(size), _unbase64(root, length=32), note)


def key_id(origin: str, key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def verifier_key(origin: str, key: Ed25519PublicKey) -> str:
    """The public key as C2SP signed-note writes it: `name+key id+key`."""
    return f"{origin}+{key_id(origin, key).hex()}+{_base64(_ED25519 + key.public_bytes_raw())}"


def _verify(key: Ed25519PublicKey, signature: bytes, body: bytes) -> None:
    try:
        key.verify(signature, body)
    except InvalidSignature:
        raise NotACheckpoint("its signature is not valid") from None


def _signature_line(name: str, signature: bytes) -> str:
    return f"— {name} {_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str, *, length: int | None = None) -> bytes:
    """One spelling only: the last character of base64 has bits that decoders ignore, and nobody
    signed them."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise NotACheckpoint("not base64") from None
    if _base64(data) != text or length not in (None, len(data)):
        raise NotACheckpoint("written in another way than it was signed")
    return data


def private_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    key = load_pem_public_key(path.read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    return key


class CheckpointLog:
    """The append-only file. A half-written last line (power cut) was never published; the next
    append drops it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> Iterator[Logged]:
        """From the first to the last complete one. Raises LogUnreadable."""
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.endswith(b"\n"):
                        yield self._parse(line, number)
        except FileNotFoundError:
            return

    def last(self) -> Logged | None:
        """The last complete line, read from the end of the file. Raises LogUnreadable."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - _LONGEST_LINE))
                complete, newline, _half = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return None
        return self._parse(complete.rpartition(b"\n")[2], 0) if newline else None

    def append(self, checkpoint: SignedCheckpoint, at: datetime) -> None:
        """Durable when it returns."""
        line = {"note": checkpoint.note, "at": at.astimezone(UTC).isoformat()}
        created = not self.path.exists()
        with self.path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _LONGEST_LINE))
            half = file.read().rpartition(b"\n")[2]
            file.truncate(end - len(half))
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if created:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _parse(self, line: bytes, number: int) -> Logged:
        try:
            record = json.loads(line)
            at = datetime.fromisoformat(record["at"])
            if not isinstance(record["note"], str) or at.tzinfo is None:
                raise TypeError
            return Logged(number, record["note"], at)
        except (ValueError, KeyError, TypeError):
            which = f"line {number}" if number else "the last line"
            raise LogUnreadable(f"{which} of {self.path.name} is not a checkpoint's line") from None
