"""Figures for the upload pool, beside their yardsticks in the same run:  .venv/bin/python -m tests.bench.uploads

1. One file of 1 GiB: rate next to `hashlib.file_digest` of the same file; memory of the pool above its idle size.
2. The first page's time while 200 slow phones (40 kB/s each) send files, next to the same page when nobody does.
Talks to 127.0.0.1 only; stops by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from config.local.office import Office
from tests.reporter import COOKIE, Reporter

MIB = 1024**2


def memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def send_large(hers: Reporter, path: str, file: Path) -> float:
    """Stream a file as a browser would; seconds until the answer."""
    head = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="large.bin"\r\n\r\n'
    tail = b"\r\n--xx--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        with file.open("rb") as source:
            while piece := source.read(MIB):
                yield piece
        yield tail

    connection = HTTPConnection(urlsplit(hers.upload).netloc, timeout=600)
    headers = {
        "Origin": hers.public,
        "Cookie": f"{COOKIE}={hers.cookie}",
        "Content-Type": "multipart/form-data; boundary=xx",
        "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
    }
    began = time.perf_counter()
    connection.request("POST", path, body(), headers)
    answer = connection.getresponse()
    assert answer.headers["Location"].endswith("kept"), answer.headers["Location"]
    return time.perf_counter() - began


def one_large_file(office: Office, folder: Path, gib: float) -> None:
    file = folder / "large.bin"
    size = int(gib * 1024) * MIB
    with file.open("wb") as out:
        for _ in range(size // MIB):
            out.write(os.urandom(MIB))
    began = time.perf_counter()
    with file.open("rb") as source:
        hashlib.file_digest(source, "sha256")
    yardstick = time.perf_counter() - began
    hers = Reporter(office.address("public"), office.address("upload"))
    hers.answer_all()
    path = hers.open_files()
    hers.send_files(path, {"warm.bin": b"x" * 9 * MIB})  # one segment: the libraries are loaded
    pid = office.children["upload"].pid
    idle, peak, running = memory_mib(pid), 0.0, True

    def watch() -> None:
        nonlocal peak
        while running:
            peak = max(peak, memory_mib(pid))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = send_large(hers, path, file)
    running = False
    watcher.join()
    print(f"hashlib.file_digest of the same file   {size / MIB / yardstick:8.0f} MiB/s")
    print(f"form → pool → sealed, fsynced, on record {size / MIB / seconds:6.0f} MiB/s")
    print(
        f"memory of the pool: idle {idle:.0f} MiB, peak {peak:.0f} MiB, above idle {peak - idle:.0f} MiB"
    )


async def slow_phone(hers: Reporter, path: str, seconds: float) -> None:
    address = urlsplit(hers.upload)
    _reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {hers.public}\r\nCookie: {COOKIE}={hers.cookie}\r\n"
        "Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: 100000000\r\n\r\n"
        '--xx\r\nContent-Disposition: form-data; name="files"; filename="slow.bin"\r\n\r\n'
    )
    writer.write(head.encode())
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        writer.write(os.urandom(4000))
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.close()


def page_times(address: str, seconds: float) -> list[float]:
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
        began = time.perf_counter()
        connection.request("GET", "/page/5/")
        connection.getresponse().read()
        found.append((time.perf_counter() - began) * 1000)
        connection.close()
        time.sleep(0.01)
    return sorted(found)


def pages_beside_slow_phones(office: Office, phones: int, seconds: float) -> None:
    senders = []
    for _ in range(phones):
        hers = Reporter(office.address("public"), office.address("upload"))
        hers.post("/page/4/", answer="adult")
        senders.append((hers, hers.open_files()))
    page_times(office.address("public"), 1)
    alone = page_times(office.address("public"), seconds)

    async def all_phones() -> None:
        await asyncio.gather(*(slow_phone(hers, path, seconds + 4) for hers, path in senders))

    sending = threading.Thread(target=lambda: asyncio.run(all_phones()))
    sending.start()
    time.sleep(3)
    beside = page_times(office.address("public"), seconds)
    peak = memory_mib(office.children["upload"].pid)
    sending.join()
    for name, times in (("alone", alone), (f"beside {phones} slow uploads", beside)):
        p95 = times[int(len(times) * 0.95)]
        print(
            f"page {name:<26} p50 {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms   ({len(times)} requests)"
        )
    print(f"memory of the pool with {phones} uploads open: {peak:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    office = Office(folder / "office", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        office.prepare()
        office.start("public", "upload")
        one_large_file(office, folder, options.gib)
        pages_beside_slow_phones(office, options.phones, options.seconds)
    finally:
        office.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
