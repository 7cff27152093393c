"""RFC 3161 time stamps: from our own authority (operator time) and from an outside one (external
time).

Our own answers through `openssl ts`, the program partners check it with. No `certs` line in its
configuration: OpenSSL 3.0 would write the certificate set unsorted, which strict readers refuse.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from django.conf import settings
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.errors import VerificationError

_POLICY = "1.3.6.1.4.1.13762.3"  # a private arc: "this operator's clock"
_LONGEST_ANSWER = 100_000  # bytes


class StampFailed(Exception):
    """The authority gave no usable answer. `permanent`: asking again will not help."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


class StampWrong(Exception):
    """Not a time stamp over this data, or not by an authority that counts here."""


@dataclass(frozen=True)
class TimeStampAuthority:
    """Our own authority."""

    key: Path
    certificate: Path

    @classmethod
    def from_settings(cls) -> TimeStampAuthority:
        return cls(settings.TSA_KEY_FILE, settings.TSA_CERTIFICATE_FILE)

    def stamp(self, data: bytes) -> bytes:
        """A DER TimeStampResp over SHA-256 of `data`. Raises StampFailed."""
        request = _request(data)
        return _accepted(self.answer(request.as_bytes()), request, data)

    def answer(self, request: bytes) -> bytes:
        """To a DER TimeStampReq. Raises StampFailed."""
        if not (self.key.exists() and self.certificate.exists()):
            raise StampFailed("no time-stamping key here", permanent=True)
        with tempfile.TemporaryDirectory(prefix="holdfast-tsa-") as folder:
            work = Path(folder)
            (work / "query").write_bytes(request)
            (work / "config").write_text(
                f"[tsa]\nserial = {work}/serial\nsigner_digest = sha256\n"
                f"default_policy = {_POLICY}\n"
                "digests = sha256, sha384, sha512\naccuracy = secs:1\nordering = no\n"
                "tsa_name = no\ness_cert_id_alg = sha256\n"
            )
            # A random serial instead of a counter in a file: unique without a lock.
            (work / "serial").write_text(secrets.token_hex(8).upper())
            files = {
                "-config": work / "config",
                "-queryfile": work / "query",
                "-signer": self.certificate,
                "-inkey": self.key,
                "-out": work / "reply",
            }
            options = [str(word) for option in files.items() for word in option]
            command = ["openssl", "ts", "-reply", "-section", "tsa", *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last_line = done.stderr.strip().splitlines()[-1:]
                raise StampFailed(f"openssl ts: {last_line}", permanent=True)
            return (work / "reply").read_bytes()


@dataclass(frozen=True)
class OutsideAuthority:
    """An authority of somebody else, by URL (RFC 3161, section 3.4)."""

    url: str

    @classmethod
    def from_settings(cls) -> OutsideAuthority | None:
        """None when the operator named none."""
        return cls(settings.TSA_URL) if settings.TSA_URL else None

    def stamp(self, data: bytes) -> bytes:
        """As TimeStampAuthority.stamp."""
        request = _request(data)
        return _accepted(self._ask(request.as_bytes()), request, data)

    def _ask(self, request: bytes) -> bytes:
        if not self.url.startswith(("http://", "https://")):
            raise StampFailed(f"{self.url} is no web address", permanent=True)
        kind = {"Content-Type": "application/timestamp-query"}
        call = urllib.request.Request(self.url, data=request, headers=kind)  # noqa: S310
        try:
            with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310
                return bytes(answer.read(_LONGEST_ANSWER))
        except OSError as error:
            raise StampFailed(f"{self.url} did not answer: {error}", permanent=False) from None


def check(stamp: bytes, data: bytes, roots: Sequence[x509.Certificate]) -> datetime:
    """The time (UTC) of a stamp over `data` by an authority under one of `roots`. Raises
    StampWrong.

    Certificates count as of the time of the stamp. Without `roots` the signature is not checked,
    only what it is over.
    """
    response = _decoded(stamp)
    try:
        if roots:
            VerifierBuilder(roots=list(roots)).build().verify_message(response, data)
    except (VerificationError, ValueError) as error:
        raise StampWrong(f"it is not valid: {error}") from None
    if not _is_over(response, data):
        raise StampWrong("it is over something else")
    return response.tst_info.gen_time


def _request(data: bytes) -> TimeStampRequest:
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=True).build()


def _accepted(answer: bytes, request: TimeStampRequest, data: bytes) -> bytes:
    """The answer, if it is one to this request. Raises StampFailed."""
    try:
        response = _decoded(answer)
    except StampWrong as error:
        raise StampFailed(f"no usable answer: {error}", permanent=False) from None
    if not _is_over(response, data) or response.tst_info.nonce != request.nonce:
        raise StampFailed("an answer to another question", permanent=False)
    return answer


def _decoded(stamp: bytes) -> TimeStampResponse:
    """Raises StampWrong."""
    try:
        response = decode_timestamp_response(stamp)
        _ = response.tst_info  # parsed when it is first read; a refusal has none
    except ValueError as error:
        raise StampWrong(f"it cannot be read: {error}") from None
    return response


def _is_over(response: TimeStampResponse, data: bytes) -> bool:
    return response.tst_info.message_imprint.message == hashlib.sha256(data).digest()
