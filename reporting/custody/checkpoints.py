"""Checkpoints: what the tree was at a size, signed. C2SP tlog-checkpoint and signed-note, Ed25519 (algorithm 0x01).

`checkpoints.log` lies outside PostgreSQL, one JSON line per note, fsynced before anybody sees the checkpoint.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

_ED25519 = b"\x01"


class NotACheckpoint(Exception):
    """Not a signed note in our form, or the signature is not by the log's key."""


@dataclass(frozen=True)
class SignedCheckpoint:
    origin: str
    size: int
    root: bytes
    at: datetime
    note: str


def sign(
    *, origin: str, size: int, root: bytes, at: datetime, key: Ed25519PrivateKey
) -> SignedCheckpoint:
    """The time stands in an extension line, so that the same checkpoint has the same bytes for ever."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\ntime {at.astimezone(UTC).isoformat(timespec='seconds')}\n"
    note = _note(body, origin, _key_id(origin, key.public_key()) + key.sign(body.encode()))
    return SignedCheckpoint(origin, size, root, at.replace(microsecond=0), note)


def read(note: str, key: Ed25519PublicKey) -> SignedCheckpoint:
    """Raises NotACheckpoint. One checkpoint has one spelling: a note that differs from it in a single bit is refused."""
    try:
        body, signature_line = note.split("\n\n")
        origin, size, root, time = body.split("\n")
        signature = base64.b64decode(signature_line.rpartition(" ")[2])
        if signature[:4] != _key_id(origin, key):
            raise NotACheckpoint("signed by another key")
        key.verify(signature[4:], f"{body}\n".encode())
        # The last character of base64 has bits that decoders ignore, and nobody signed them.
        if note != _note(f"{body}\n", origin, signature):
            raise NotACheckpoint("written in another way than it was signed")
        at = datetime.fromisoformat(time.removeprefix("time "))
        return SignedCheckpoint(origin, int(size), base64.b64decode(root), at, note)
    except (ValueError, InvalidSignature) as error:
        raise NotACheckpoint(f"not a checkpoint of this log ({error.__class__.__name__})") from None


def _note(body: str, origin: str, signature: bytes) -> str:
    return f"{body}\n— {origin} {base64.b64encode(signature).decode()}\n"


def _key_id(origin: str, key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def private_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    key = load_pem_public_key(path.read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    return key


class CheckpointLog:
    """The append-only file. A half-written last line (power cut) is dropped on the next append."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def notes(self) -> list[str]:
        if not self._path.exists():
            return []
        lines = self._path.read_text().split("\n")
        return [str(json.loads(line)["note"]) for line in lines[:-1]]

    def append(self, checkpoint: SignedCheckpoint) -> None:
        """Durable when it returns."""
        created = not self._path.exists()
        with self._path.open("ab+") as file:
            file.seek(0)
            complete = file.read().rfind(b"\n") + 1
            file.truncate(complete)
            file.seek(0, os.SEEK_END)
            file.write(json.dumps({"note": checkpoint.note}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if created:
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
