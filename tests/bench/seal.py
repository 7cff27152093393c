"""Sealing a file into the vault, beside `hashlib.file_digest` of the same file.

SHA-256 of the original is the least that evidence needs, and the fastest SHA-256 at hand is
hashlib's. Sealing also encrypts, hashes the ciphertext, writes it and waits for fsync.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from pathlib import Path

from config.local.office import Office
from reporting.vault import keys
from reporting.vault.sealer import Sealer
from reporting.vault.store import DiskStore
from tests.bench import rounds
from tests.bench.files import MIB, write_random

_SIZE = 512  # MiB
_PIECE = MIB // 2  # what the upload pool hands on at once


def _seal(file: Path, store: DiskStore, public_key: keys.PublicKey) -> str:
    """The calls under measure: read, seal, durable. The name of the object in the vault."""
    name = secrets.token_hex(16)
    sealer = Sealer(store.stage(name), public_key)
    with file.open("rb", buffering=0) as source:
        while piece := source.read(_PIECE):
            sealer.write(piece)
    sealer.finish()
    return name


def run(office: Office, how_many: int) -> list[rounds.Row]:
    file = write_random(office.folder / "original", _SIZE)
    store = DiskStore(office.folder / "sealed", floor=0)
    public_key = keys.public_key_of(keys.new_secret())

    def sealed() -> float:
        os.sync()  # what an earlier round left to write would be written on this one's time
        began = time.perf_counter()
        name = _seal(file, store, public_key)
        seconds = time.perf_counter() - began
        store.remove(name)
        return _SIZE / seconds

    def hashed() -> float:
        began = time.perf_counter()
        with file.open("rb") as source:
            hashlib.file_digest(source, "sha256")
        return _SIZE / (time.perf_counter() - began)

    ours, yardstick = rounds.interleave(how_many, sealed, hashed)
    return [
        rounds.compared(
            "seal",
            f"{_SIZE} MiB sealed and fsynced · hashlib.file_digest",
            "MiB/s",
            ours=ours,
            yardstick=yardstick,
            goal=rounds.Goal("ratio", "≥", 0.5),
        )
    ]
