"""The header of an age v1 file: stanzas and MAC (https://age-encryption.org/v1, C2SP `age.md`).

A header is text: the version line, one stanza for each public key, and `--- ` with the MAC over
everything up to and including `---`. This module parses and writes; it knows no kind of key.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_KEY_SIZE = 16
WRAPPED_FILE_KEY_SIZE = 32  # the file key and a Poly1305 tag

_VERSION = b"age-encryption.org/v1"
_LINE = 64
_MAC_SIZE = 32
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*\Z")
_ARGUMENT = re.compile(rb"[!-~]+\Z")


class AgeError(Exception):
    """An age file that cannot be opened. The subclasses are the kinds of the C2SP testkit."""


class HeaderFailure(AgeError):
    """The header, or the nonce after it, is not in the format, or ended early."""


class NoMatch(AgeError):
    """None of the secrets opens any stanza."""


class MacFailure(AgeError):
    """A stanza opened, but the header is not the one that was written with this file key."""


class PayloadFailure(AgeError):
    """A chunk was changed, cut, added or moved. What was released before must be thrown away."""


@dataclass(frozen=True)
class Stanza:
    """The file key encrypted to one public key. `arguments`: the type, then the type's own."""

    arguments: tuple[bytes, ...]
    body: bytes

    def encode(self) -> bytes:
        text = encode_base64(self.body)
        # A line shorter than 64 ends the body, so a full last line is followed by an empty one.
        lines = [text[start : start + _LINE] for start in range(0, len(text) + 1, _LINE)]
        return b"-> " + b" ".join(self.arguments) + b"\n" + b"\n".join(lines) + b"\n"


@dataclass(frozen=True)
class Header:
    """`covered`: the bytes that the MAC is computed over."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    covered: bytes


class Public(Protocol):
    """The public half of a key: encrypts a file key."""

    def wrap(self, file_key: bytes) -> Stanza: ...


class Private(Protocol):
    """The private half: None for another key's stanza, HeaderFailure for a broken one."""

    def unwrap(self, stanza: Stanza) -> bytes | None: ...


def encode_base64(raw: bytes) -> bytes:
    """RFC 4648 without padding."""
    return base64.b64encode(raw).rstrip(b"=")


def decode_base64(text: bytes) -> bytes:
    """Only the one canonical spelling of each value, or HeaderFailure."""
    if not _BASE64.match(text) or len(text) % 4 == 1:
        raise HeaderFailure("not base64")
    raw = base64.b64decode(text + b"=" * (-len(text) % 4))
    if encode_base64(raw) != text:  # the decoder alone accepts stray bits at the end
        raise HeaderFailure("base64 is not canonical")
    return raw


def derive(key: bytes, *, salt: bytes | None, info: bytes) -> bytes:
    """HKDF-SHA-256, 32 bytes."""
    return HKDF(SHA256(), 32, salt, info).derive(key)


def write(file_key: bytes, public_keys: Sequence[Public]) -> bytes:
    """A whole header. Raises ValueError without a public key: nobody could open the file."""
    if not public_keys:
        raise ValueError("an age file needs at least one public key")
    stanzas = b"".join(public_key.wrap(file_key).encode() for public_key in public_keys)
    covered = _VERSION + b"\n" + stanzas + b"---"
    return covered + b" " + encode_base64(_mac(file_key, covered)) + b"\n"


def end_of(data: bytes | bytearray | memoryview) -> int:
    """The length of the header at the start of `data`, or -1 while its last line is missing."""
    data = bytes(data) if isinstance(data, memoryview) else data
    last_line = data.find(b"\n---")  # no other line can begin like this
    newline = data.find(b"\n", last_line + 1) if last_line >= 0 else -1
    return newline + 1 if newline >= 0 else -1


def parse(data: bytes) -> Header:
    """A whole header, from its first byte to the newline after the MAC. Raises HeaderFailure."""
    lines = data.split(b"\n")
    if lines.pop() or lines[:1] != [_VERSION]:
        raise HeaderFailure("not an age v1 header")
    *stanza_lines, last = lines[1:] or [b""]
    if not last.startswith(b"--- "):
        raise HeaderFailure("the header has no MAC")
    mac = decode_base64(last[4:])
    if len(mac) != _MAC_SIZE:
        raise HeaderFailure("the MAC has another length")
    stanzas = tuple(_stanzas(stanza_lines))
    if not stanzas:
        raise HeaderFailure("there is no stanza")
    if len(stanzas) > 1 and any(stanza.arguments[0] == b"scrypt" for stanza in stanzas):
        raise HeaderFailure("a passphrase stands beside another stanza")
    return Header(stanzas, mac, data[: len(data) - len(last) - 1 + len(b"---")])


def _stanzas(lines: list[bytes]) -> Iterable[Stanza]:
    rest = iter(lines)
    for first in rest:
        if not first.startswith(b"-> "):
            raise HeaderFailure("a stanza does not begin with an arrow")
        arguments = tuple(first[3:].split(b" "))
        if not all(_ARGUMENT.match(argument) for argument in arguments):
            raise HeaderFailure("an argument is empty or holds other characters")
        body = b""
        while True:
            line = next(rest, None)
            if line is None:
                raise HeaderFailure("a stanza ends early")
            if len(line) > _LINE:
                raise HeaderFailure("a line of a stanza is too long")
            body += decode_base64(line)
            if len(line) < _LINE:
                break
        yield Stanza(arguments, body)


def open_file_key(header: Header, secrets: Sequence[Private]) -> bytes:
    """The 16-byte file key, with the MAC checked. Raises HeaderFailure, NoMatch, MacFailure."""
    file_key = _first_match(header.stanzas, secrets)
    if not hmac.compare_digest(_mac(file_key, header.covered), header.mac):
        raise MacFailure("the header was changed")
    return file_key


def _first_match(stanzas: Sequence[Stanza], secrets: Sequence[Private]) -> bytes:
    for secret in secrets:
        for stanza in stanzas:
            file_key = secret.unwrap(stanza)
            if file_key is not None:
                return file_key
    raise NoMatch("no stanza is for this key")


def _mac(file_key: bytes, covered: bytes) -> bytes:
    return hmac.digest(derive(file_key, salt=None, info=b"header"), covered, "sha256")
