"""A multipart form read as it arrives: each file goes straight into a sealer.

Nothing of it is ever on a disk in the clear or whole in memory. RFC 7578; the push parser is the
`multipart` library. One FormStream belongs to one request and is fed from one thread at a time.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from reporting.vault.keys import PublicKey
from reporting.vault.sealer import Sealed, Sealer
from reporting.vault.store import Store

FIELD = "files"
UNNAMED = "unnamed"  # RFC 7578 makes the name optional; pages tell a file from a text by its name

_NAME_LIMIT = 255  # characters
_HEADER_LIMIT = 16 * 1024  # bytes: a long name in percent-encoding is still a name
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*\"?([\w.:-]*)'[^']*'([^;\s\"]+)", re.IGNORECASE)


class NotAForm(Exception):
    """The body is not the form it says it is, or ended early. Files finished before stay kept."""


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
        """`limit`: bytes of one file. `arrived` is called for each file. Raises NotAForm."""
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data":
            raise NotAForm("not a multipart form")
        try:
            # Latin-1 reads every byte; `_file_name` finds out what the bytes of a name mean.
            self._parser = PushMultipartParser(
                options.get("boundary", ""),
                max_segment_count=1000,
                max_header_size=_HEADER_LIMIT,
                header_charset="latin-1",
            )
        except MultipartError as error:
            raise NotAForm(error.__class__.__name__) from None
        self._store, self._public_key = store, public_key
        self._limit, self._arrived = limit, arrived
        self._sealer: Sealer | None = None
        self._unnamed_began = False
        self._vault_name = self._file_name = ""

    def feed(self, chunk: bytes | bytearray) -> None:
        """Raises NotAForm, FileTooLarge, VaultFull."""
        for event in self._events(chunk):
            if isinstance(event, MultipartSegment):
                self._begin(event)
            elif event is None:
                self._end()
            else:
                self._take(event)

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

    def _events(self, chunk: bytes | bytearray) -> Iterator[MultipartSegment | bytes | None]:
        try:
            yield from self._parser.parse(chunk)
        except MultipartError as error:
            raise NotAForm(error.__class__.__name__) from None

    def _begin(self, segment: MultipartSegment) -> None:
        self._unnamed_began = False
        if segment.name != FIELD:
            return
        name = _file_name(segment)
        if name:
            self._start(name)
        else:  # without a name and without a byte it is a field in which no file was chosen
            self._unnamed_began = True

    def _take(self, data: bytes) -> None:
        if self._unnamed_began:
            self._unnamed_began = False
            self._start(UNNAMED)
        if self._sealer is None:
            return
        if self._sealer.size + len(data) > self._limit:
            raise FileTooLarge
        self._sealer.write(data)

    def _start(self, file_name: str) -> None:
        self._vault_name, self._file_name = secrets.token_hex(16), file_name
        self._sealer = Sealer(self._store.stage(self._vault_name), self._public_key)

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


def _file_name(segment: MultipartSegment) -> str:
    """The name in whatever encoding it came: UTF-8, RFC 5987 (`filename*`), else Latin-1."""
    if segment.filename:
        return _decoded(segment.filename.encode("latin-1"))[:_NAME_LIMIT]
    extended = _EXTENDED_NAME.search(dict(segment.headerlist).get("Content-Disposition", ""))
    if not extended:
        return ""
    charset, encoded = extended.groups()
    return _decoded(unquote_to_bytes(encoded), charset or "utf-8")[:_NAME_LIMIT]


def _decoded(name: bytes, charset: str = "utf-8") -> str:
    try:
        return name.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return name.decode("latin-1")
