"""A throw-away office for one bench: its own folder, keys and database, with fsync on."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import django

from config.doors import PORTS
from config.local.office import Office
from tests.bench.rounds import Row

# /tmp is often in memory, where an fsync costs nothing.
_PLACE = os.environ.get("TMPDIR", "/var/tmp")


def run(name: str, rounds: int, result: Connection) -> None:
    """One bench, as the operator of its office; it starts the processes it needs itself. The rows
    go into `result`. Once in a process: Django is set up for this office and no other."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=_PLACE))
    try:
        office = Office(folder / "office", durable=True, ports=dict.fromkeys(PORTS, 0))
        try:
            office.prepare()
            os.environ.update(office.operator())
            django.setup()
            rows: list[Row] = importlib.import_module(f"tests.bench.{name}").run(office, rounds)
            result.send(rows)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave the folder
            office.stop()
    finally:
        shutil.rmtree(folder)
