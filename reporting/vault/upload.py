"""A multipart form read as it arrives: each file goes straight into a sealer, never to disk in the clear, never whole in memory.

RFC 7578; the push parser is the `multipart` library. One FormStream belongs to one request and is fed from one thread at a time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from reporting.vault.keys import PublicKey
from reporting.vault.sealer import Sealed, Sealer
from reporting.vault.store import Store

FIELD = "files"
_NAME_LIMIT = 255


class NotAForm(Exception):
    """The body is not the form it says it is, or it ended early. Files finished before that stay kept."""


class FileTooLarge(Exception):
    """One file passed the limit. Nothing of it is kept; files before it stay."""


@dataclass(frozen=True)
class Arrived:
    """One complete file, durable in the vault, not yet in any row."""

    vault_name: str
    untrusted_file_name: str
    sealed: Sealed


class FormStream:
    """`feed` every chunk, then `close`; `abandon` in every other case."""

    def __init__(
        self,
        content_type: str,
        *,
        store: Store,
        public_key: PublicKey,
        limit: int,
        arrived: Callable[[Arrived], None],
    ) -> None:
        kind, _, options = content_type.partition(";")
        boundary = next(
            (
                part.strip()[9:].strip('"')
                for part in options.split(";")
                if part.strip().startswith("boundary=")
            ),
            "",
        )
        if kind.strip().lower() != "multipart/form-data" or not boundary:
            raise NotAForm("not a multipart form")
        self._parser = PushMultipartParser(boundary, max_segment_count=1000)
        self._store, self._recipient, self._limit, self._arrived = store, public_key, limit, arrived
        self._sealer: Sealer | None = None
        self._vault_name = self._file_name = ""

    def feed(self, chunk: bytes | bytearray) -> None:
        """Raises NotAForm, FileTooLarge, VaultFull."""
        for event in self._events(chunk):
            if isinstance(event, MultipartSegment):
                self._begin(event)
            elif event is None:
                self._end()
            elif self._sealer:
                if self._sealer.size + len(event) > self._limit:
                    raise FileTooLarge
                self._sealer.write(event)

    def close(self) -> None:
        """The body has ended. Raises NotAForm when it ended too early."""
        for _event in self._events(b""):
            pass
        if self._sealer:
            raise NotAForm("the body ended inside a file")

    def abandon(self) -> None:
        """Drop the file that was being received."""
        if self._sealer:
            self._sealer.discard()
            self._sealer = None

    def _events(self, chunk: bytes | bytearray) -> Iterator[MultipartSegment | bytearray | None]:
        try:
            yield from self._parser.parse(chunk)
        except MultipartError as error:
            raise NotAForm(error.__class__.__name__) from None

    def _begin(self, segment: MultipartSegment) -> None:
        if segment.name != FIELD or not segment.filename:
            return
        self._vault_name = secrets.token_hex(16)
        self._file_name = segment.filename[:_NAME_LIMIT]
        self._sealer = Sealer(self._store.stage(self._vault_name), self._recipient)

    def _end(self) -> None:
        if self._sealer is None:
            return
        sealer, self._sealer = self._sealer, None
        try:
            sealed = sealer.finish()
        except Exception:
            sealer.discard()
            raise
        self._arrived(Arrived(self._vault_name, self._file_name, sealed))
