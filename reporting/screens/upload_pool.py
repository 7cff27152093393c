"""The upload pool: a plain ASGI application that takes files and nothing else.

Five hundred slow phones cost an event loop nothing; hashing, sealing and the database work happen in a few threads. Before the first byte
is read the session, the age question, the quota and the free space have been checked. Every answer is a redirect to her page.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Sum

from reporting import evidence, intake, people, sessions
from reporting.actors import REPORTER
from reporting.custody.record import founding
from reporting.models import EvidenceItem, FileGroup
from reporting.screens.cookies import COOKIE
from reporting.vault.store import VaultFull
from reporting.vault.upload import Arrived, FileTooLarge, FormStream, NotAForm

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PATH = re.compile(r"/files/(G-[0-9A-Z]{12})/\Z")
_FEED = 512 * 1024
_SILENT = 180  # seconds without a byte after which a phone is taken for gone
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="seal")


class Shut(Exception):
    """The files are not taken; the argument is the word that her page turns into a sentence."""


class _Gone(Exception):
    """The phone went away in the middle, or says nothing any more."""


class _Body:
    """The request's body as it comes in. Raises _Gone when the phone goes away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def next(self) -> bytes:
        try:
            message = await asyncio.wait_for(self._receive(), _SILENT)
        except TimeoutError:
            raise _Gone from None
        if message["type"] == "http.disconnect":
            raise _Gone
        self.ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Read on and keep nothing: a browser shows our page only after it has sent its whole form."""
        while not self.ended:
            await self.next()


@dataclass
class _Admitted:
    visit: sessions.Visit
    group: FileGroup
    kept: int = 0

    def keep(self, arrived: Arrived) -> None:
        try:
            intake.keep_file(
                self.visit,
                self.group,
                arrived.sealed,
                vault_name=arrived.vault_name,
                file_name=arrived.untrusted_file_name,
                by=REPORTER,
            )
        except people.BytesNotTaken:
            raise Shut("age") from None
        self.kept += 1


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    match = _PATH.match(scope["path"])
    if scope["method"] != "POST" or not match:
        await _answer(send, 404)
        return
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    body = _Body(receive)
    try:
        if headers.get("origin") != settings.PUBLIC_ORIGIN:
            await body.drain()
            await _answer(send, 403)
            return
        try:
            said = await _take(headers, match[1], body)
        except Shut as shut:
            await body.drain()
            said = str(shut)
    except _Gone:
        return
    await _answer(send, 303, f"{settings.PUBLIC_ORIGIN}/more/?said={said}")


async def _take(headers: dict[str, str], group_id: str, body: _Body) -> str:
    admitted = await _in_thread(_admit, headers, group_id)
    form = await _in_thread(_form, headers, admitted)
    try:
        buffer = bytearray()
        while not body.ended:
            buffer += await body.next()
            if len(buffer) >= _FEED or (buffer and body.ended):
                await _in_thread(form.feed, buffer)
                buffer = bytearray()
        await _in_thread(form.close)
    except NotAForm:
        raise Shut("cut") from None
    except FileTooLarge:
        raise Shut("large") from None
    except VaultFull:
        raise Shut("full") from None
    finally:
        await _in_thread(form.abandon)
    return "kept" if admitted.kept else "none"


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
        people.check_may_send_files(visit, group)
    except people.BytesNotTaken:
        raise Shut("age") from None
    assert group is not None
    length = headers.get("content-length", "")
    if not length.isdigit():
        raise Shut("cut")
    used = (
        EvidenceItem.objects.filter(report=visit.report).aggregate(total=Sum("ciphertext_size"))[
            "total"
        ]
        or 0
    )
    if used + int(length) > settings.DRAFT_QUOTA_BYTES:
        raise Shut("quota")
    if evidence.store().free_bytes() < int(length):
        raise Shut("full")
    return _Admitted(visit, group)


def _form(headers: dict[str, str], admitted: _Admitted) -> FormStream:
    try:
        return FormStream(
            headers.get("content-type", ""),
            store=evidence.store(),
            public_key=admitted.visit.public_key,
            limit=settings.MAX_FILE_BYTES,
            arrived=admitted.keep,
        )
    except NotAForm:
        raise Shut("cut") from None


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    def with_fresh_connection() -> Any:
        close_old_connections()
        return work(*arguments)

    return await asyncio.get_running_loop().run_in_executor(_threads, with_fresh_connection)


async def _answer(send: Send, status: int, location: str = "") -> None:
    headers = [
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"same-origin"),
    ]
    if location:
        headers.append((b"location", location.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
