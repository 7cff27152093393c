"""One large file through the upload pool, the pool's memory, and a page beside 200 slow uploads.

The yardstick for the file is a receiver that hashes and keeps it and does nothing else
(`clients.plain_receiver`), sent the same bytes by the same client over loopback: the difference is
the form, the session, sealing, and the record. The yardstick for the page is the page alone.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from config.local.office import Office
from config.local.processes import port_or_free
from reporting.questions import POSITION
from tests.bench import clients, rounds, say
from tests.bench.files import MIB, write_random
from tests.reporter import Reporter

_SIZE = 256  # MiB
_PHONES = 200
_PHONE_RATE = 40_000  # bytes a second: a slow mobile network
_PAGE_SECONDS = 3.0
_MAY_SEND_FILES = {"who": "me", "age": "adult", "what": "financial_extortion"}


def _sender(office: Office) -> clients.Sender:
    """A reporter whose answers allow files, with the upload form open."""
    reporter = Reporter(office.address("public"), office.address("upload"))
    for question, value in _MAY_SEND_FILES.items():
        reporter.post(f"/page/{POSITION[question]}/", answer=value)
    path = reporter.open_files()
    if not path:
        raise RuntimeError("the form for files stays shut: are more answers needed first?")
    return clients.Sender(reporter.upload, reporter.public, path, reporter.cookie)


def run(office: Office, how_many: int) -> list[rounds.Row]:
    office.start("public", "upload")
    return [*_one_large_file(office, how_many), *_pages_beside_slow_phones(office, how_many)]


def _one_large_file(office: Office, how_many: int) -> list[rounds.Row]:
    file = write_random(office.folder / "large.bin", _SIZE)
    sender = _sender(office)
    port = port_or_free(0)
    beside = clients.Sender(f"http://127.0.0.1:{port}", sender.public_origin, "/", "")
    received = office.folder / "received.bin"
    pool = office.children["upload"].pid
    idle = _memory(pool)
    above_idle: list[float] = []

    def through_the_pool() -> float:
        os.sync()
        with _highest_memory(pool) as highest:
            began = time.perf_counter()
            answer = clients.send_file(sender, file)
            seconds = time.perf_counter() - began
        if b"said=kept" not in answer:
            raise RuntimeError(f"the file was not kept: {answer[:500]!r}")
        above_idle.append(highest[0] - idle)
        return _SIZE / seconds

    def plainly_received() -> float:
        os.sync()
        began = time.perf_counter()
        clients.send_file(beside, file)
        return _SIZE / (time.perf_counter() - began)

    with clients.beside(clients.plain_receiver, port, str(received)):
        ours, yardstick = rounds.interleave(how_many, through_the_pool, plainly_received)
    received.unlink()
    return [
        rounds.compared(
            "upload",
            f"{_SIZE} MiB sealed, fsynced, on record · received, SHA-256, fsynced",
            "MiB/s",
            ours=ours,
            yardstick=yardstick,
            goal=rounds.Goal("ratio", "≥", 0.5),
        ),
        rounds.counted(
            "upload",
            f"memory of the pool above idle, {_SIZE} MiB file",
            "MiB",
            ours=max(above_idle),
            goal=rounds.Goal("ours", "≤", 64),
        ),
    ]


def _memory(pid: int) -> float:
    """MiB in memory of a process and all its children."""
    status = Path(f"/proc/{pid}/status").read_text()
    own = int(status.split("VmRSS:")[1].split()[0]) * 1024 / MIB
    children = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return own + sum(_memory(int(child)) for found in children for child in found)


@contextmanager
def _highest_memory(pid: int) -> Iterator[list[float]]:
    """The one figure in the list rises while the block runs, looked at fifty times a second."""
    highest, ended = [_memory(pid)], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            highest[0] = max(highest[0], _memory(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield highest
    finally:
        ended.set()
        watcher.join()


def _pages_beside_slow_phones(office: Office, how_many: int) -> list[rounds.Row]:
    say(f"upload: {_PHONES} reporters open the form for files")
    with ThreadPoolExecutor(2) as pool:  # more at once, and the desk that mints codes says Busy
        senders = list(pool.map(_sender, [office] * _PHONES))

    def alone() -> list[float]:
        return _page_times(office)

    def beside_the_phones() -> list[float]:
        with clients.beside(clients.slow_phones, senders, _PHONE_RATE):
            time.sleep(1)
            return _page_times(office)

    ours, yardstick = rounds.interleave(how_many, beside_the_phones, alone)
    return [
        rounds.compared(
            "upload",
            f"{name} of a page beside {_PHONES} slow uploads · alone",
            "ms",
            ours=[of(times) for times in ours],
            yardstick=[of(times) for times in yardstick],
            goal=rounds.Goal("ratio", "≤", 1.2),
        )
        for name, of in (("p50", statistics.median), ("p95", rounds.p95))
    ]


def _page_times(office: Office) -> list[float]:
    """Milliseconds of one page after the other, a new connection for each."""
    address = urlsplit(office.address("public")).netloc
    times, until = [], time.monotonic() + _PAGE_SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        connection = HTTPConnection(address, timeout=30)
        connection.request("GET", f"/page/{POSITION['what']}/")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"the page answered {answer.status}")
        time.sleep(0.01)
    return times
