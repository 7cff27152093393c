"""Hostile bytes are decoded in a child that has no network, no files of ours, little memory and little time.

bubblewrap where it works, else `unshare`; with neither, nothing is shown and a start-up check says so.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_SCRIPT = Path(__file__).with_name("still.py")
_MEMORY = 1024**3
_SECONDS = 10
_PICTURE_LIMIT = 32 * 1024**2


class NotShown(Exception):
    """There is no still picture of these bytes; the message says why."""


def still(untrusted_bytes: bytes) -> bytes:
    """A PNG of at most 1600 pixels a side. Raises NotShown."""
    wall = _wall()
    if wall is None:
        raise NotShown("This machine has no sandbox, so nothing is shown here.")
    try:
        done = subprocess.run(
            [*wall, sys.executable, "-I", str(_SCRIPT)],
            input=untrusted_bytes,
            capture_output=True,
            timeout=_SECONDS + 5,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
            preexec_fn=_limits,
        )
    except subprocess.TimeoutExpired:
        raise NotShown("It took too long to draw. It was left alone.") from None
    if done.returncode == 3:
        raise NotShown("It is not a still picture we can draw.")
    if (
        done.returncode
        or not done.stdout.startswith(b"\x89PNG")
        or len(done.stdout) > _PICTURE_LIMIT
    ):
        raise NotShown("It could not be drawn safely. It was left alone.")
    return done.stdout


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@cache
def _wall() -> list[str] | None:
    """The command in front of the child, tried once."""
    for wall in (_bubblewrap(), ["unshare", "--user", "--map-root-user", "--net", "--"]):
        if shutil.which(wall[0]) is None:
            continue
        tried = subprocess.run(
            [*wall, sys.executable, "-I", "-c", "import PIL.Image"],
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return wall
    return None


def available() -> bool:
    return _wall() is not None


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
