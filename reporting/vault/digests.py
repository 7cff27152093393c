"""Hashes of one stream, taken beside each other. Hex in lower case."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from reporting.vault.lanes import Lane

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")

_AHEAD = 8  # pieces that a hash may lie behind its caller


@dataclass(frozen=True)
class Digests:
    """MD5 and SHA-1 are here because hash lists of other offices hold them, not as a protection."""

    md5: str
    sha1: str
    sha256: str
    sha512: str


class Hasher:
    """`update` with pieces that nobody changes afterwards; each algorithm has a lane of its own."""

    def __init__(self, *algorithms: str) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._lanes = {name: Lane() for name in algorithms}

    def update(self, piece: bytes | memoryview) -> None:
        for name, lane in self._lanes.items():
            lane.wait_below(_AHEAD)
            lane.put(partial(self._hashes[name].update, piece))

    def finish(self) -> dict[str, str]:
        """Algorithm → hex."""
        for lane in self._lanes.values():
            lane.finish()
        return {name: found.hexdigest() for name, found in self._hashes.items()}


def digests_of(text: bytes) -> Digests:
    """The four hashes of something small, without a thread."""
    return Digests(
        md5=hashlib.md5(text, usedforsecurity=False).hexdigest(),
        sha1=hashlib.sha1(text, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(text).hexdigest(),
        sha512=hashlib.sha512(text).hexdigest(),
    )
