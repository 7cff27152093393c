"""The upload pool: a plain ASGI application that takes files and nothing else.

Five hundred slow phones cost an event loop nothing; hashing, sealing and the database work
happen in a few threads, a small piece at a time, in fair turns. Before the first byte is read
the session, the age question, the quota and the free space have been checked. Every answer is a
redirect to the page for files.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from multipart import parse_options_header

from reporting import age_gate, budgets, evidence, intake, reservations, sessions
from reporting.custody.record import founding
from reporting.models import FileGroup, UploadReservation
from reporting.screens import origin
from reporting.screens.cookies import COOKIE
from reporting.screens.turns import Memory, NoRoom, Turns, Upload
from reporting.vault.store import VaultFull
from reporting.vault.upload import Arrived, FileTooLarge, FormStream, NotAForm

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PATH = re.compile(r"/files/(G-[0-9A-Z]{12})/\Z")
_FEED = 512 * 1024
_SILENT = 180  # seconds without a byte after which a phone is taken for gone
_PARTS = 50  # of one form; each file costs an fsync
_RENEWED = 120  # seconds between two renewals of a reservation
turns = Turns(threads=2)
memory = Memory(256 * 1024**2)


class Shut(Exception):
    """The files are not taken; the argument is the word that the page turns into a sentence."""


class _Gone(Exception):
    """The phone went away in the middle, or says nothing any more."""


class _Body:
    """The request's body as it comes in. Raises _Gone when the phone goes away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def next(self, upload: Upload | None = None) -> bytes:
        """Raises Shut when the memory of `upload` is given to another one."""
        if upload and upload.evicted:
            raise Shut("busy")
        try:
            async with asyncio.timeout(_SILENT) as deadline:
                if upload:
                    upload.deadline = deadline
                message = await self._receive()
        except TimeoutError:
            if upload and upload.evicted:
                raise Shut("busy") from None
            raise _Gone from None
        finally:
            if upload:
                upload.deadline = None
        if message["type"] == "http.disconnect":
            raise _Gone
        self.ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Read on and keep nothing: a browser shows our page only after it has sent its whole
        form."""
        while not self.ended:
            await self.next()


@dataclass
class _Admitted:
    visit: sessions.Visit
    group: FileGroup
    reservation: UploadReservation
    kept: int = 0
    empty: int = 0

    def keep(self, arrived: Arrived) -> None:
        if arrived.sealed.size == 0:
            evidence.store().remove(arrived.vault_name)
            self.empty += 1
            return
        try:
            intake.keep_file(
                self.visit,
                self.group,
                arrived.sealed,
                vault_name=arrived.vault_name,
                file_name=arrived.untrusted_file_name,
            )
        except age_gate.BytesNotTaken:
            raise Shut("age") from None
        except budgets.TooMuch:
            raise Shut("many") from None
        self.kept += 1


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    match = _PATH.match(scope["path"])
    if scope["method"] != "POST" or not match:
        await _answer(send, "")
        return
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    body = _Body(receive)
    try:
        try:
            if not origin.is_ours(
                origin=headers.get("origin"),
                fetch_site=headers.get("sec-fetch-site"),
                referer=headers.get("referer"),
                allowed=frozenset({settings.PUBLIC_ORIGIN}),
            ):
                raise Shut("elsewhere")
            said = await _take(headers, match[1], body)
        except Shut as shut:
            await body.drain()
            said = str(shut)
    except _Gone:
        return
    await _answer(send, said)


async def _take(headers: dict[str, str], group_id: str, body: _Body) -> str:
    who = hashlib.sha256(headers.get("cookie", "").encode()).hexdigest()
    admitted: _Admitted = await _in_turn(who, _admit, headers, group_id)
    upload = memory.begin()
    try:
        form = await _in_turn(who, _form, headers, admitted)
        try:
            boundary = parse_options_header(headers["content-type"])[1]["boundary"]
            await _feed(form, boundary, body, upload, who, admitted)
            await _in_turn(who, form.close)
        finally:
            await _in_turn(who, form.abandon)
    except NotAForm:
        raise Shut("cut") from None
    except FileTooLarge:
        raise Shut("large") from None
    except VaultFull:
        raise Shut("full") from None
    except NoRoom:
        raise Shut("busy") from None
    finally:
        memory.end(upload)
        await _in_turn(who, reservations.release, admitted.reservation)
    if admitted.kept:
        return "kept"
    return "empty" if admitted.empty else "none"


async def _feed(
    form: FormStream,
    boundary: str,
    body: _Body,
    upload: Upload,
    who: str,
    admitted: _Admitted,
) -> None:
    pieces = _Pieces(boundary)
    renewed = time.monotonic()
    buffer = bytearray()
    while not body.ended:
        arrived = await body.next(upload)
        memory.take(upload, len(arrived))
        buffer += arrived
        if len(buffer) >= _FEED or (buffer and body.ended):
            for piece in pieces.of(bytes(buffer)):
                await _in_turn(who, form.feed, piece)
            buffer = bytearray()
        if time.monotonic() - renewed > _RENEWED:
            renewed = time.monotonic()
            await _in_turn(who, reservations.renew, admitted.reservation)


class _Pieces:
    """Cuts what has arrived so that each piece ends one file at most: one fsync is the longest
    turn of a small file."""

    def __init__(self, boundary: str) -> None:
        self._delimiter = b"\r\n--" + boundary.encode()
        self._parts = 0

    def of(self, data: bytes) -> Iterator[bytes]:
        """Raises Shut when the form has too many parts."""
        start = 0
        while (at := data.find(self._delimiter, start + 1)) > 0:
            self._parts += 1
            yield data[start:at]
            if self._parts > _PARTS:  # the last one that is taken has ended now
                raise Shut("parts")
            start = at
        yield data[start:]


def _admit(headers: dict[str, str], group_id: str) -> _Admitted:
    """From the headers alone, before a byte of the body is read."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    visit = sessions.resume(cookie.value) if cookie else None
    if visit is None or founding(visit.report.pk).public_key != visit.public_key:
        raise Shut("closed")
    group = FileGroup.objects.filter(pk=group_id, report=visit.report).first()
    try:
        intake.check_may_send_files(visit, group)
    except age_gate.BytesNotTaken:
        raise Shut("age") from None
    assert group is not None
    length = headers.get("content-length", "")
    if not length.isdigit():
        raise Shut("cut")
    if evidence.store().free_bytes() < int(length):
        raise Shut("full")
    try:
        reservation = reservations.reserve(visit.report, int(length))
    except reservations.QuotaReached:
        raise Shut("quota") from None
    except reservations.TooManyAtOnce:
        raise Shut("busy") from None
    return _Admitted(visit, group, reservation)


def _form(headers: dict[str, str], admitted: _Admitted) -> FormStream:
    return FormStream(
        headers.get("content-type", ""),
        store=evidence.store(),
        public_key=admitted.visit.public_key,
        limit=settings.MAX_FILE_BYTES,
        arrived=admitted.keep,
    )


async def _in_turn(who: str, work: Callable[..., Any], *arguments: Any) -> Any:
    def with_fresh_connection() -> Any:
        close_old_connections()
        return work(*arguments)

    return await turns.run(who, with_fresh_connection)


async def _answer(send: Send, said: str) -> None:
    headers = [
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"same-origin"),
        (b"location", f"{settings.PUBLIC_ORIGIN}/more/?said={said}".encode()),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
