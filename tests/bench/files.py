"""Files to measure with: random bytes, because nothing may gain by compressing them."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1024**2


def write_random(path: Path, mebibytes: int) -> Path:
    """`mebibytes` MiB at `path`, on disk and in the page cache when this returns."""
    with path.open("wb") as out:
        for _ in range(mebibytes):
            out.write(os.urandom(MIB))
        out.flush()
        os.fsync(out.fileno())
    return path
