"""`./run demo` as a newcomer uses and abuses it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from config.local.office import ROOT

_PORTS = ("PUBLIC_PORT", "UPLOAD_PORT", "STAFF_PORT", "PARTNER_PORT")


class Demo:
    def __init__(self, folder: Path, **ports: int) -> None:
        self._out = folder.with_suffix(".out")
        environment = {
            **{name: "0" for name in _PORTS},
            **{name: str(port) for name, port in ports.items()},
        }
        command = [sys.executable, "-m", "config.local.demo", "--folder", str(folder)]
        with self._out.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=out, env={**_clean(), **environment}
            )

    def ready(self) -> str:
        deadline = time.monotonic() + 90
        while "READY" not in (said := self._out.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        return said


def _clean() -> dict[str, str]:
    """Not the test run's own database or doors."""
    return {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "DOORS"}
    }


def _processes_of(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (
                str(folder).encode()
                in (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
            ):
                found.append((path / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.needs("/proc")
def test_killed_it_leaves_no_process_and_starts_again_stopped_it_ends_cleanly(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo-folder"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        demo = Demo(folder, PUBLIC_PORT=taken.getsockname()[1])
        said = demo.ready()
        addresses = re.findall(r"http://localhost:(\d+)", said)
        assert str(taken.getsockname()[1]) not in addresses
        for port, path in zip(addresses, ("/", "/office/account/login/", "/partner/"), strict=True):
            assert (
                urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=10).status == 200
            )
    assert len(_processes_of(folder)) > 8
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 20
    while (left := _processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert left == []
    again = Demo(folder)
    again.ready()
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(timeout=30) == 0
    assert _processes_of(folder) == []
