"""Children that cannot outlive us: each gets an empty environment and dies when its parent does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class DidNotStart(Exception):
    """A child ended, or stayed silent, before it was ready; the message ends with its last
    lines."""


def _die_with_parent() -> None:
    # SIGTERM and not SIGKILL: our doors and Celery take their own children with them.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One foreground process with its log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        keep_open: tuple[int, ...] = (),
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                list(command),
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                close_fds=True,
                pass_fds=keep_open,
                cwd=folder,
                preexec_fn=_die_with_parent,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Raises DidNotStart when the child ends first or `seconds` pass."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise DidNotStart(f"{self.name} did not start. The end of {self._log}:\n{tail}")
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of it and of its own children, for tests that play a power cut."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM, *, seconds: float = 10) -> None:
        if self.running:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.kill()  # with its own children, which would go on without it
        self._process.wait()


def port_or_free(wanted: int) -> int:
    """The wanted port of localhost, or any free one when it is taken (0 asks for a free one)."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DidNotStart("no free port on 127.0.0.1")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
