"""Hostile bytes are decoded in a child that has no network, no files of ours, little memory and
little time.

The wall is bubblewrap. A user namespace alone (`unshare`) leaves every file and socket of ours
in reach, so without bubblewrap nothing is shown, and a start-up check says so.
"""

from __future__ import annotations

import os
import resource
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

_SCRIPT = Path(__file__).with_name("still.py")
_MEMORY = 1024**3
_SECONDS = 10  # of processor time
_PATIENCE = 15  # seconds until the child is ended, whatever it does
_PICTURE_LIMIT = 32 * 1024**2
_NOT_A_PICTURE = 3  # the exit code of still.py


class NotShown(Exception):
    """There is no still picture of these bytes; the message says why."""


def still(untrusted_bytes: bytes) -> bytes:
    """A PNG of at most 1600 pixels a side. Raises NotShown."""
    wall = _wall()
    if wall is None:
        raise NotShown("This machine has no sandbox, so nothing is shown here.")
    code, output = _run([*wall, sys.executable, "-I", str(_SCRIPT)], untrusted_bytes)
    if code == _NOT_A_PICTURE:
        raise NotShown("It is not a still picture we can draw.")
    if code or not output.startswith(b"\x89PNG"):
        raise NotShown("It could not be drawn safely. It was left alone.")
    return output


def _run(command: list[str], untrusted_bytes: bytes) -> tuple[int, bytes]:
    """(exit code, output). Raises NotShown after `_PATIENCE`, or with more output than a picture
    may have."""
    with _in_memory(untrusted_bytes) as source:
        child = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin"},
            preexec_fn=_limits,
        )
    try:
        output = _read_at_most(child, _PICTURE_LIMIT, time.monotonic() + _PATIENCE)
        return child.wait(timeout=5), output
    except subprocess.TimeoutExpired:
        raise NotShown("It took too long to draw. It was left alone.") from None
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


@contextmanager
def _in_memory(untrusted_bytes: bytes) -> Iterator[BinaryIO]:
    """A file that lies on no disk: the child reads it at its own speed while we only watch its
    output."""
    with open(os.memfd_create("untrusted"), "w+b") as file:
        file.write(untrusted_bytes)
        file.flush()
        file.seek(0)
        yield file


def _read_at_most(child: subprocess.Popen[bytes], limit: int, deadline: float) -> bytes:
    assert child.stdout is not None
    pieces: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([child.stdout], [], [], left)[0]:
            raise NotShown("It took too long to draw. It was left alone.")
        piece = os.read(child.stdout.fileno(), 256 * 1024)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > limit:
            raise NotShown("It could not be drawn safely. It was left alone.")
        pieces.append(piece)


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def available() -> bool:
    return _wall() is not None


@cache
def _wall() -> list[str] | None:
    """The command in front of the child, if it stands here and the child finds what it needs;
    tried once."""
    if shutil.which("bwrap") is None:
        return None
    wall = _bubblewrap()
    trial = [*wall, sys.executable, "-I", "-c", "import PIL.Image"]
    return wall if subprocess.run(trial, capture_output=True, check=False).returncode == 0 else None


def _bubblewrap() -> list[str]:
    command = [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--tmpfs",
        "/tmp",  # noqa: S108  inside the sandbox
    ]
    for system in ("/usr", "/lib", "/lib64", "/bin"):
        if Path(system).exists():
            command += ["--ro-bind", system, system]
    for ours in {sys.prefix, sys.base_prefix, str(_SCRIPT)}:
        command += ["--ro-bind", ours, ours]
    return [*command, "--"]
