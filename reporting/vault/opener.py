"""The opener: the one small process that holds the office's private keys.

It answers one question, "the key for this custody event, please", over a unix socket in a private folder: a line of JSON
`{"event": 17}` in, a line `{"secret": "AGE-SECRET-KEY-1…"}` or `{"refused": "…"}` out, then the connection ends. The caller names
no report: the event does. So a bug in a page can open only what the ledger already says was opened.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from reporting.vault.keys import PublicKey, Secret, WrongKey, unwrap

FRESH = timedelta(seconds=60)
CAP_PER_HOUR = 400  # a person's opening acts; a reader at work makes far fewer
JOB_CAP_PER_HOUR = 50_000
OPENING_DOOR = "staff"

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
    age: timedelta
    public_key: PublicKey


class Books(Protocol):
    """The opener's view of the database."""

    def find(self, event_id: int) -> OpeningEvent | None: ...
    def use(self, event_id: int, actor: str) -> bool:
        """False when the event was used before; must be atomic and committed before a key is given."""

    def used_since(self, actor: str, since: timedelta) -> int: ...
    def wraps(self, subject: str) -> Iterable[bytes]: ...


def decide(event_id: int, books: Books, office_keys: Iterable[Secret]) -> Secret:
    """The report's private key, or Refused. The checks come in this order; the event is used up by the first success only."""
    event = books.find(event_id)
    if event is None:
        raise Refused("there is no such custody event")
    if event.door != OPENING_DOOR:
        raise Refused("the event was written at another door")
    if not event.opens:
        raise Refused("the event is not one that opens anything")
    if not timedelta(0) <= event.age <= FRESH:
        raise Refused("the event is too old")
    cap = JOB_CAP_PER_HOUR if event.actor.startswith("job:") else CAP_PER_HOUR
    if books.used_since(event.actor, timedelta(hours=1)) >= cap:
        raise Refused("this person has opened more in the last hour than the cap allows")
    secret = _unwrap_any(books.wraps(event.subject), office_keys, event.public_key)
    if not books.use(event_id, event.actor):
        raise Refused("the event was used before")
    return secret


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
    """Runs until the process is stopped. One request at a time: the work is two queries and one unwrap."""
    path.unlink(missing_ok=True)
    keys = list(office_keys)
    with socket.socket(socket.AF_UNIX) as listener:
        previous = os.umask(0o177)
        listener.bind(str(path))
        os.umask(previous)
        listener.listen(64)
        log.info("opener ready")
        while True:
            connection, _address = listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    _answer(connection, books, keys)
                except (OSError, ValueError):
                    log.warning("a request broke off or was not understood")
                except Exception:
                    # Whatever one request met (a database that restarts, say), the next one must find an opener.
                    log.exception("a request failed")


def _answer(connection: socket.socket, books: Books, keys: list[Secret]) -> None:
    untrusted_request = connection.makefile("rb").readline(200)
    if not untrusted_request:
        return  # somebody asked only whether we answer
    event_id = json.loads(untrusted_request)["event"]
    if not isinstance(event_id, int):
        raise ValueError("an event id is a whole number")
    reply: dict[str, str]
    try:
        reply = {"secret": decide(event_id, books, keys)}
    except Refused as refusal:
        log.warning("refused", extra={"event": event_id, "reason": str(refusal)})
        reply = {"refused": str(refusal)}
    connection.sendall(json.dumps(reply).encode() + b"\n")


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
