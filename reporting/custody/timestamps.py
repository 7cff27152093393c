"""RFC 3161 time stamps: from our own authority (operator time) or from an outside one by URL (external time).

Our own answers through `openssl ts`, the program partners check it with. No `certs` line in its configuration: OpenSSL 3.0 would
write the certificate set unsorted, which strict readers refuse.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

_POLICY = "1.3.6.1.4.1.13762.3"  # a private arc: "this operator's clock"


class StampFailed(Exception):
    """The authority gave no usable answer. `permanent`: asking again will not help."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True)
class TimeStampAuthority:
    key: Path
    certificate: Path
    url: str = ""

    @classmethod
    def from_settings(cls) -> TimeStampAuthority:
        return cls(settings.TSA_KEY_FILE, settings.TSA_CERTIFICATE_FILE, settings.TSA_URL)

    def stamp(self, data: bytes) -> bytes:
        """A DER TimeStampResp over SHA-256 of `data`. Raises StampFailed."""
        request = (
            TimestampRequestBuilder()
            .data(data)
            .hash_algorithm(HashAlgorithm.SHA256)
            .cert_request(cert_request=True)
            .build()
            .as_bytes()
        )
        answer = self._ask_outside(request) if self.url else self._answer(request)
        try:
            decode_timestamp_response(answer)
        except ValueError as error:
            raise StampFailed(f"not a time-stamp answer: {error}", permanent=False) from None
        return answer

    def _answer(self, request: bytes) -> bytes:
        if not (self.key.exists() and self.certificate.exists()):
            raise StampFailed(
                "no time-stamping key here and no outside authority set", permanent=True
            )
        with tempfile.TemporaryDirectory(prefix="holdfast-tsa-") as folder:
            work = Path(folder)
            (work / "query").write_bytes(request)
            (work / "config").write_text(
                f"[tsa]\nserial = {work}/serial\nsigner_digest = sha256\ndefault_policy = {_POLICY}\n"
                "digests = sha256, sha384, sha512\naccuracy = secs:1\nordering = no\ntsa_name = no\ness_cert_id_alg = sha256\n"
            )
            # A random serial instead of a counter in a file: unique without a lock.
            (work / "serial").write_text(secrets.token_hex(8).upper())
            command = [
                "openssl",
                "ts",
                "-reply",
                "-config",
                str(work / "config"),
                "-section",
                "tsa",
            ]
            command += [
                "-queryfile",
                str(work / "query"),
                "-signer",
                str(self.certificate),
                "-inkey",
                str(self.key),
            ]
            done = subprocess.run(
                [*command, "-out", str(work / "reply")], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise StampFailed(
                    f"openssl ts: {done.stderr.strip().splitlines()[-1:]}", permanent=True
                )
            return (work / "reply").read_bytes()

    def _ask_outside(self, request: bytes) -> bytes:
        kind = {"Content-Type": "application/timestamp-query"}
        call = urllib.request.Request(self.url, data=request, headers=kind)  # noqa: S310
        try:
            with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310
                return bytes(answer.read(100_000))
        except OSError as error:
            raise StampFailed(f"{self.url} did not answer: {error}", permanent=False) from None


def time_of(response: bytes) -> datetime:
    """genTime of a time-stamp response, UTC."""
    return decode_timestamp_response(response).tst_info.gen_time
