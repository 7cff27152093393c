"""The opener: the one small process that holds the office's private keys.

It answers one question, "the key for this custody event, please", over a unix socket in a private
folder: a line of JSON `{"event": 17}` in, a line `{"secret": "AGE-SECRET-KEY-1…"}` or
`{"refused": "…"}` out, then the connection ends. The caller names no report: the event does. So a
bug in a page can open only what the ledger already says was opened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from reporting.vault.keys import PublicKey, Secret, WrongKey, unwrap

FRESH = timedelta(seconds=60)
CAP_PER_HOUR = 400  # a person's opening acts; a reader at work makes far fewer
ALL_PEOPLE_CAP_PER_HOUR = 4_000  # of everybody in the office together, however many names are used
JOBS_CAP_PER_HOUR = 50_000  # of all jobs together
CALL_SECONDS = 5.0  # one caller, from the connection to its end
CALLERS = 100  # at once; only the staff door and the worker reach the socket
REQUEST_BYTES = 200
PEOPLES_DOOR, JOBS_DOOR = "staff", "worker"

log = logging.getLogger("holdfast.opener")


class Refused(Exception):
    """The opener gave no key; the message says why in words a caseworker can pass on."""


@dataclass(frozen=True)
class OpeningEvent:
    """What the committed ledger says about the event named by the caller."""

    subject: str
    actor: str
    door: str
    opens: bool
    in_force_only: bool  # to be opened by a wrap for a key in force: before older wraps are dropped
    age: timedelta
    public_key: PublicKey


class Books(Protocol):
    """The opener's view of the database."""

    def find(self, event_id: int) -> OpeningEvent | None: ...
    def use(self, event_id: int, actor: str) -> bool:
        """False when the event was used before. Atomic, and committed before a key is given."""

    def used_since(self, actors: str, since: timedelta) -> int:
        """How many keys were given to actors whose id begins so."""

    def is_active(self, actor: str) -> bool:
        """Whether this is a person who works in the office now."""

    def wraps(self, subject: str, *, in_force_only: bool) -> Iterable[bytes]: ...


def decide(event_id: int, books: Books, office_keys: Iterable[Secret]) -> Secret:
    """The private key of a report or case, or Refused. The checks come in this order; success uses
    the event up."""
    event = books.find(event_id)
    if event is None:
        raise Refused("there is no such custody event")
    is_job = event.actor.startswith("job:")
    if event.door != (JOBS_DOOR if is_job else PEOPLES_DOOR):
        raise Refused("the event was written at another door")
    if not event.opens:
        raise Refused("the event is not one that opens anything")
    if not timedelta(0) <= event.age <= FRESH:
        raise Refused("the event is too old")
    _check_caps(event, books, is_job=is_job)
    wraps = books.wraps(event.subject, in_force_only=event.in_force_only)
    secret = _unwrap_any(wraps, office_keys, event.public_key)
    if not books.use(event_id, event.actor):
        raise Refused("the event was used before")
    return secret


def _check_caps(event: OpeningEvent, books: Books, *, is_job: bool) -> None:
    hour = timedelta(hours=1)
    if is_job:
        if books.used_since("job:", hour) >= JOBS_CAP_PER_HOUR:
            raise Refused("our computer has opened more in the last hour than the cap allows")
        return
    if not books.is_active(event.actor):
        raise Refused("the event names nobody who works in the office now")
    if books.used_since(event.actor, hour) >= CAP_PER_HOUR:
        raise Refused("this person has opened more in the last hour than the cap allows")
    if books.used_since("S-", hour) >= ALL_PEOPLE_CAP_PER_HOUR:
        raise Refused("the office has opened more in the last hour than the cap allows")


def _unwrap_any(
    wraps: Iterable[bytes], office_keys: Iterable[Secret], expected: PublicKey
) -> Secret:
    keys = list(office_keys)
    for wrapped in wraps:
        for key in keys:
            try:
                return unwrap(wrapped, key, expected=expected)
            except WrongKey:
                continue
    raise Refused("no wrap opens to the key that the ledger names")


def serve(path: Path, books: Books, office_keys: Iterable[Secret]) -> None:
    """Runs until the process is stopped.

    Callers are heard at the same time, each for CALL_SECONDS in all, so a slow one keeps nobody
    waiting. Decisions are made one after the other: each is two queries and one unwrap, and the
    caps stay exact.
    """
    path.unlink(missing_ok=True)
    keys = list(office_keys)
    with socket.socket(socket.AF_UNIX) as listener:
        previous = os.umask(0o177)
        listener.bind(str(path))
        os.umask(previous)
        asyncio.run(_serve(listener, books, keys))


async def _serve(listener: socket.socket, books: Books, keys: list[Secret]) -> None:
    deciding = ThreadPoolExecutor(1, thread_name_prefix="decide")
    callers = 0

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal callers
        callers += 1
        try:
            if callers <= CALLERS:
                async with asyncio.timeout(CALL_SECONDS):
                    await _answer(reader, writer, books, keys, deciding)
        except (OSError, ValueError, KeyError, TypeError, TimeoutError):
            log.warning("a request broke off or was not understood")
        except Exception:
            # Whatever one request met (a database that restarts, say), the next one must find an
            # opener.
            log.exception("a request failed")
        finally:
            callers -= 1
            writer.transport.abort()

    server = await asyncio.start_unix_server(hear, sock=listener, backlog=64, limit=REQUEST_BYTES)
    log.info("opener ready")
    async with server:
        await server.serve_forever()


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    books: Books,
    keys: list[Secret],
    deciding: ThreadPoolExecutor,
) -> None:
    untrusted_request = await reader.readline()
    if not untrusted_request:
        return  # somebody asked only whether we answer
    event_id = json.loads(untrusted_request)["event"]
    if not isinstance(event_id, int):
        raise ValueError("an event id is a whole number")
    reply: dict[str, str]
    decided = asyncio.get_running_loop().run_in_executor(deciding, decide, event_id, books, keys)
    try:
        reply = {"secret": await decided}
    except Refused as refusal:
        log.warning("refused", extra={"event": event_id, "reason": str(refusal)})
        reply = {"refused": str(refusal)}
    writer.write(json.dumps(reply).encode() + b"\n")
    await writer.drain()
    writer.write_eof()
    await reader.read(1)  # the caller hangs up when it has read; then nothing is left to be lost


def answers(path: Path) -> bool:
    """Whether an opener listens: asked before writing an opening event that nobody could use."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def ask(path: Path, event_id: int) -> Secret:
    """The key for one committed opening event. Raises Refused."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps({"event": event_id}).encode() + b"\n")
            reply = json.loads(connection.makefile("rb").readline(1000) or b"{}")
        except OSError as error:
            raise Refused(f"the opener does not answer ({error.__class__.__name__})") from None
    if "secret" not in reply:
        raise Refused(reply.get("refused", "the opener broke off"))
    return Secret(reply["secret"])
