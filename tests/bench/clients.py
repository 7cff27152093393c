"""Load over loopback, each kind in a process of its own so that it takes no turn from what is
measured. Nothing here knows Django: a started process imports only this."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import multiprocessing
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvloop

from reporting.vault import codes
from tests.reporter import COOKIE

MIB = 1024**2
_spawn = multiprocessing.get_context("spawn")
_SET_COOKIE = re.compile(rf"\r\nset-cookie: {COOKIE}=([^;\r]+)".encode(), re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


@dataclass(frozen=True)
class Request:
    """`expects`: the status, and bytes that the answer must hold."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()
    expects: tuple[int, bytes] = (200, b"")


@dataclass(frozen=True)
class Walked:
    """What a crowd of clients saw in its window. `seconds`: of each walk that ended well in it."""

    window: float
    seconds: tuple[float, ...]
    server_errors: int
    other_errors: int


def crowd(
    origin: str, walk: tuple[Request, ...], *, clients: int, ramp: float, window: float
) -> Walked:
    """`clients` at once, each begins the walk anew as soon as it has ended. What ends within the
    first `ramp` seconds is not counted: until then they all stand at the same step."""
    with _spawn.Pool(1) as pool:
        return pool.apply(_crowd, (origin, walk, clients, ramp, window))


def _crowd(
    origin: str, walk: tuple[Request, ...], clients: int, ramp: float, window: float
) -> Walked:
    statuses: list[int] = []
    seconds: list[float] = []
    begin = time.monotonic() + ramp
    end = begin + window

    async def client() -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            status = await _walk(origin, walk)
            ended = time.monotonic()
            if begin <= ended <= end and status == 0:
                seconds.append(ended - began)
            elif status:
                statuses.append(status)

    async def everybody() -> None:
        await asyncio.gather(*(client() for _ in range(clients)))

    uvloop.run(everybody())  # the clients' own work is taken from the same cores
    errors = sum(500 <= status <= 599 for status in statuses)
    return Walked(window, tuple(seconds), errors, len(statuses) - errors)


async def _walk(origin: str, walk: tuple[Request, ...]) -> int:
    """0 when every answer was the expected one, else the status that was not."""
    cookie = b""
    for request in walk:
        answer = await _ask(origin, request, cookie)
        if found := _SET_COOKIE.search(answer):
            cookie = found[1]
        matched = _STATUS.match(answer)
        status = int(matched[1]) if matched else 599  # closed without an answer
        if status != request.expects[0] or request.expects[1] not in answer:
            return status
    return 0


async def _ask(origin: str, request: Request, cookie: bytes) -> bytes:
    """One request on a connection of its own, as of a reporter who takes time between pages."""
    address = urlsplit(origin)
    body = urlencode(request.fields).encode()
    head = (
        f"{request.method} {request.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Origin: {origin}\r\nConnection: close\r\n"
    )
    if request.method == "POST":
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        head += f"Content-Length: {len(body)}\r\n"
    if cookie:
        head += f"Cookie: {COOKIE}={cookie.decode()}\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(f"{head}\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
    except OSError:
        return b""
    return answer


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """`work(ready, stop, *arguments)` in a process of its own, from `ready` on until the block
    ends. Raises RuntimeError when it failed: what was measured then had nothing beside it."""
    ready, stop = _spawn.Event(), _spawn.Event()
    process = _spawn.Process(target=work, args=(ready, stop, *arguments))
    process.start()
    try:
        if not ready.wait(60):
            raise TimeoutError(f"{work.__name__} is not ready after a minute")
        yield
    finally:
        stop.set()
        process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed, see above")


def wrong_codes(ready: Event, stop: Event, origin: str, rate: float) -> None:
    """Well-formed codes that no report has, `rate` a second, whether or not they are answered."""

    async def guess() -> None:
        await _ask(origin, Request("POST", "/back/", (("code", codes.mint()),)), b"")

    async def flood() -> None:
        asked: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            task = asyncio.create_task(guess())
            asked.add(task)
            task.add_done_callback(asked.discard)
            await asyncio.sleep(1 / rate)
            ready.set()
        await asyncio.gather(*asked)

    asyncio.run(flood())


@dataclass(frozen=True)
class Sender:
    """One open session that may send files: the upload form's path and its cookie."""

    upload_origin: str
    public_origin: str
    path: str
    cookie: str

    def head(self, length: int) -> bytes:
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: {urlsplit(self.upload_origin).netloc}\r\n"
            f"Origin: {self.public_origin}\r\nCookie: {COOKIE}={self.cookie}\r\n"
            "Content-Type: multipart/form-data; boundary=xx\r\nConnection: close\r\n"
            f"Content-Length: {length}\r\n\r\n"
        ).encode()


PART_HEAD = (
    b'--xx\r\nContent-Disposition: form-data; name="files"; filename="recording.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
PART_TAIL = b"\r\n--xx--\r\n"


def send_file(sender: Sender, file: Path) -> bytes:
    """A file as a browser's form sends it; the whole answer. The kernel copies the bytes, so that
    next to nothing of the time is the client's."""
    size = file.stat().st_size
    with socket.create_connection(("127.0.0.1", urlsplit(sender.upload_origin).port or 0)) as phone:
        phone.settimeout(600)
        phone.sendall(sender.head(len(PART_HEAD) + size + len(PART_TAIL)) + PART_HEAD)
        with file.open("rb") as source:
            phone.sendfile(source)
        phone.sendall(PART_TAIL)
        answer = b""
        while piece := phone.recv(65536):
            answer += piece
    return answer


def slow_phones(ready: Event, stop: Event, senders: list[Sender], rate: int) -> None:
    """Each sends one large file at `rate` bytes a second, in ten pieces, until it is stopped."""
    connected = 0

    async def phone(sender: Sender) -> None:
        nonlocal connected
        port = urlsplit(sender.upload_origin).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sender.head(100 * MIB) + PART_HEAD)
        connected += 1
        if connected == len(senders):
            ready.set()
        while not stop.is_set() and not reader.at_eof():
            writer.write(os.urandom(rate // 10))
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.close()
        if reader.at_eof():
            raise ConnectionError("the upload pool hung up on a slow phone")

    async def everybody() -> None:
        await asyncio.gather(*(phone(sender) for sender in senders))

    asyncio.run(everybody())


def plain_receiver(ready: Event, stop: Event, port: int, file: str) -> None:
    """What any server must do that keeps a file and knows its hash: receive, SHA-256, write, fsync.
    No form, no session, no sealing, no record. Answers when the file is on the disk."""
    buffer = memoryview(bytearray(MIB))
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.2)
        ready.set()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                phone, _address = server.accept()
                with phone:
                    phone.settimeout(60)
                    _receive(phone, Path(file), buffer)


def _receive(phone: socket.socket, file: Path, buffer: memoryview) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += phone.recv(65536)
    head, _, first = head.partition(b"\r\n\r\n")
    left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) - len(first)
    digest = hashlib.sha256(first)
    with file.open("wb", buffering=0) as out:
        out.write(first)
        while left:
            piece = buffer[: phone.recv_into(buffer)]
            if not piece:
                raise ConnectionError("the client went away")
            digest.update(piece)
            out.write(piece)
            left -= len(piece)
        os.fsync(out.fileno())
    phone.sendall(f"HTTP/1.1 200 OK\r\n\r\n{digest.hexdigest()}".encode())
