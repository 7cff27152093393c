"""One HTTP connection of a door: what uvicorn leaves out so that slow or silent visitors close
no door.

A head has a deadline and a size; a silent connection is closed; when too many are open, the one
that has kept us waiting longest goes, so that a newcomer is let in. Nothing a visitor sent, and
no address, is ever written to a log.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.refusals import as_bytes

HEAD_SECONDS = 20.0  # from the first byte (or from the connection) to the end of the headers
HEAD_BYTES = 64 * 1024
OPEN_AT_ONCE = 2_000  # connections of one process; idle ones cost about 10 KB each


class Connection(HttpToolsProtocol):
    """States: waiting for a head (timer runs), body (the application's deadline), at work,
    writing."""

    open_at_once: ClassVar[int] = OPEN_AT_ONCE
    closes_slow_bodies: ClassVar[bool] = True  # not at the upload pool, where a body may take hours
    _waiting: ClassVar[
        dict[Connection, bool]
    ] = {}  # who keeps us waiting, oldest first → in its head?

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.access_log = False
        self._in_head = True
        self._head_bytes = 0
        self._unwritten = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.open_at_once:
            self._make_room()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # For an application whose reader no longer takes what it sends.
        self.scope["state"]["abort"] = self.transport.abort

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers after a chunked body could go on for ever
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        self._waiting.pop(self, None)
        self._waiting[self] = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400)

    def _await_head(self) -> None:
        self._stop_waiting()
        self._in_head = True
        self._head_bytes = 0
        self._waiting[self] = True
        self._unwritten = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and left < self._unwritten:  # still taking our last answer, if slowly
            self._await_head()
        elif left:
            self.transport.abort()
        elif self._head_bytes:
            self._refuse(408)
        else:
            self.transport.close()

    def _make_room(self) -> None:
        for connection, in_head in self._waiting.items():
            if in_head or self.closes_slow_bodies:
                connection._stop_waiting()
                connection.transport.abort()
                return
        self.transport.abort()

    def _refuse(self, status: int) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(as_bytes(status))
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _stop_waiting(self) -> None:
        self._stop_timer()
        self._waiting.pop(self, None)
