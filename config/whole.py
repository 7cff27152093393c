"""Reads a whole request before a Django thread is taken, and hands the answer on.

Waiting for a slow visitor costs an event loop almost nothing; a thread works only while there is
something to do. Bodies stay in memory, never on a disk. Small bodies are always taken; over the
budget the large one that has been read longest is refused, so that a flood of stalled ones keeps
nobody out.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest

from config import refusals
from reporting.screens.typed import typed

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

SMALL = (
    64 * 1024
)  # the part of every body that is outside the budget; the number of connections bounds it
SLOWEST = 2 * 1024  # bytes a second for which a body's deadline moves: a long text by a bad network
PIECE = 256 * 1024
DRAINED = 64 * 1024**2
log = logging.getLogger("holdfast.door")


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Gone(Exception):
    """The visitor closed the connection."""


class _File:
    """`wsgi.file_wrapper`: a file answer in large pieces (PEP 3333)."""

    def __init__(self, file: Any, block_size: int = 0) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE):
            yield piece

    def close(self) -> None:
        self._file.close()


@dataclass
class _Answer:
    status: int
    headers: Headers
    body: bytes = b""
    pieces: Iterator[bytes] | None = None
    close: Callable[[], object] = lambda: None


class _Body:
    """One body while it comes in."""

    def __init__(self, deadline: asyncio.Timeout) -> None:
        self.bytes = io.BytesIO()
        self.size = 0
        self.evicted = False
        self._deadline = deadline

    @property
    def over_small(self) -> int:
        return 0 if self.evicted else max(0, self.size - SMALL)

    def evict(self) -> None:
        self.evicted = True
        self.bytes = io.BytesIO()
        self._deadline.reschedule(asyncio.get_running_loop().time())


class ReadWhole:
    """`limit`: bytes of one body; `memory`: bytes of all bodies at once, beyond the small part
    of each."""

    def __init__(
        self,
        wsgi: Callable[..., Iterable[bytes]],
        *,
        limit: int,
        threads: int,
        memory: int = 128 * 1024**2,
        body_seconds: float = 120,
        queue_seconds: float = 20,
        stalled_seconds: float = 60,
    ) -> None:
        self._wsgi = wsgi
        self._limit = limit
        self._memory = memory
        self._body_seconds = body_seconds
        self._queue_seconds = queue_seconds
        self._stalled_seconds = stalled_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._free = asyncio.Semaphore(threads)
        self._reading: dict[_Body, None] = {}  # oldest first
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body: _Body | None = None
        try:
            body = await self._read(scope, receive)
            answer = await self._ask_django(scope, body)
        except Refused as refused:
            return await _refuse(send, refused.status, _typed(scope, body))
        except _Gone:
            return None
        finally:
            if body:
                self._held -= body.over_small
        await self._hand_on(answer, scope, send)

    async def _read(self, scope: Scope, receive: Receive) -> _Body:
        """The whole body. Raises Refused, _Gone; then nothing of it is held."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            await self._drain(scope, receive)
            raise Refused(413)
        deadline = asyncio.timeout(self._body_seconds)
        body = _Body(deadline)
        self._reading[body] = None
        done = False
        try:
            async with deadline:
                more, began = True, asyncio.get_running_loop().time()
                while more:
                    chunk, more = await _next(receive)
                    self._take(body, chunk)
                    deadline.reschedule(began + self._body_seconds + body.size / SLOWEST)
            done = True
        except TimeoutError:
            raise Refused(503 if body.evicted else 408) from None
        except Refused as refused:
            if refused.status == 413:
                await self._drain(scope, receive)
            raise
        finally:
            del self._reading[body]
            if not done:
                self._held -= body.over_small
        body.bytes.seek(0)
        return body

    def _take(self, body: _Body, chunk: bytes) -> None:
        if body.evicted:  # while these bytes were on their way
            raise Refused(503)
        before = body.over_small
        body.size += len(chunk)
        self._held += body.over_small - before
        if body.size > self._limit:
            raise Refused(413)
        if self._held > self._memory and body.over_small:
            oldest = next(large for large in self._reading if large.over_small)
            if oldest is body:
                raise Refused(503)
            self._held -= oldest.over_small
            oldest.evict()
        body.bytes.write(chunk)

    async def _drain(self, scope: Scope, receive: Receive) -> None:
        """Read on and keep nothing: a browser shows our page only after it has sent its whole
        form."""
        if any(name == b"expect" for name, _value in scope["headers"]):
            return  # it asked first, and gets its answer now
        read, more = 0, True
        try:
            async with asyncio.timeout(self._body_seconds):
                while more and read < DRAINED:
                    chunk, more = await _next(receive)
                    read += len(chunk)
        except TimeoutError:
            return

    async def _ask_django(self, scope: Scope, body: _Body) -> _Answer:
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Refused(503) from None
        try:
            answer: _Answer = await self._in_thread(self._run, scope, body)
            return answer
        finally:
            self._free.release()

    def _run(self, scope: Scope, body: _Body) -> _Answer:
        started: list[tuple[int, Headers]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            as_sent = [
                (name.lower().encode(), value.strip().encode("latin-1")) for name, value in headers
            ]
            started[:] = [(int(status[:3]), as_sent)]

        answer = self._wsgi(environ(scope, body.bytes, body.size), start)
        close = getattr(answer, "close", lambda: None)
        if isinstance(answer, _File) or getattr(answer, "streaming", False):
            return _Answer(*started[0], pieces=iter(answer), close=close)
        try:
            return _Answer(*started[0], body=b"".join(answer))
        finally:
            close()

    async def _hand_on(self, answer: _Answer, scope: Scope, send: Send) -> None:
        try:
            async with asyncio.timeout(self._stalled_seconds) as stalled:
                start = {"status": answer.status, "headers": answer.headers}
                await send({"type": "http.response.start", **start})
                body = answer.body
                while answer.pieces is not None:
                    piece = await self._in_thread(next, answer.pieces, None)
                    if piece is None:
                        break
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    now = asyncio.get_running_loop().time()
                    stalled.reschedule(now + self._stalled_seconds)
                await send({"type": "http.response.body", "body": body})
        except TimeoutError:
            # Nobody reads: closing politely would wait for the reader for ever.
            scope["state"]["abort"]()
            log.warning("an answer was not taken and was broken off")
        finally:
            if answer.pieces is not None:
                await self._in_thread(answer.close)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    return message.get("body", b""), message.get("more_body", False)


def _typed(scope: Scope, body: _Body | None) -> str:
    """What was typed in a body that was read whole. A long one is not parsed on the event loop;
    the page says how to send it again."""
    if body is None or body.size > SMALL:
        return ""
    return typed(WSGIRequest(environ(scope, body.bytes, body.size)))


async def _refuse(send: Send, status: int, words: str) -> None:
    body = refusals.page(status, words)
    headers = [(name.encode(), value.encode()) for name, value in refusals.headers().items()]
    headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def environ(scope: Scope, body: io.BytesIO, size: int) -> dict[str, Any]:
    """PEP 3333 from an ASGI scope. No address of the visitor goes in: nothing of ours needs it."""
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": "",
        "CONTENT_LENGTH": str(size),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _File,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue  # it would pass for the header with dashes, which a proxy may have set
        key = name.decode("latin-1").upper().replace("-", "_")
        if key == "CONTENT_LENGTH":
            continue
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        joined = "; " if key == "HTTP_COOKIE" else ","
        found[key] = f"{found[key]}{joined}{text}" if key in found else text
    return found
