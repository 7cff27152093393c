"""Time stamps: ours and an outside authority's, read by OpenSSL and by a second implementation."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError

from cases import certificates
from reporting.custody import timestamps
from reporting.custody.timestamps import (
    OutsideAuthority,
    StampFailed,
    StampWrong,
    TimeStampAuthority,
)

pytestmark = pytest.mark.needs("openssl")


@pytest.fixture
def outside(settings: Any) -> Iterator[str]:
    """An authority reached by URL (RFC 3161, section 3.4), here on loopback with our own key behind
    it."""
    inner = TimeStampAuthority.from_settings()
    other_question = inner.stamp(b"another question")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            request = self.rfile.read(int(self.headers["Content-Length"]))
            answers = {"/broken": b"busy", "/other": other_question}
            answer = answers.get(self.path) or inner.answer(request)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _root(ca: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ca.read_bytes())


def _openssl_accepts(stamp: bytes, data: bytes, ca: Path, folder: Path) -> bool:
    (folder / "stamp").write_bytes(stamp)
    (folder / "data").write_bytes(data)
    command = ["openssl", "ts", "-verify", "-data", "data", "-in", "stamp", "-CAfile", str(ca)]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _second_opinion(stamp: bytes, data: bytes, ca: Path) -> None:
    verifier = VerifierBuilder().add_root_certificate(_root(ca)).build()
    verifier.verify_message(decode_timestamp_response(stamp), data)


def test_both_accept_ours_and_both_refuse_other_data(settings: Any, tmp_path: Path) -> None:
    ca = settings.CA_CERTIFICATE_FILE
    stamp = TimeStampAuthority.from_settings().stamp(b"data")
    assert _openssl_accepts(stamp, b"data", ca, tmp_path)
    _second_opinion(stamp, b"data", ca)
    assert not _openssl_accepts(stamp, b"other", ca, tmp_path)
    with pytest.raises(VerificationError):
        _second_opinion(stamp, b"other", ca)


def test_an_outside_authority_is_asked_by_its_address(
    settings: Any, tmp_path: Path, outside: str
) -> None:
    settings.TSA_URL = outside
    authority = OutsideAuthority.from_settings()
    assert authority is not None
    stamp = authority.stamp(b"data")
    assert _openssl_accepts(stamp, b"data", settings.CA_CERTIFICATE_FILE, tmp_path)
    settings.TSA_URL = ""
    assert OutsideAuthority.from_settings() is None


@pytest.mark.parametrize("path", ["/broken", "/other"])
def test_an_answer_to_something_else_is_refused_and_may_be_asked_again(
    outside: str, path: str
) -> None:
    with pytest.raises(StampFailed) as failed:
        OutsideAuthority(f"{outside}{path}").stamp(b"data")
    assert not failed.value.permanent


def test_an_authority_that_is_away_may_be_asked_again_and_one_without_a_key_may_not() -> None:
    with pytest.raises(StampFailed) as away:
        OutsideAuthority("http://127.0.0.1:9/").stamp(b"data")
    assert not away.value.permanent
    nothing = Path("/not-set/x")
    for authority in (TimeStampAuthority(nothing, nothing), OutsideAuthority("file:///etc/passwd")):
        with pytest.raises(StampFailed) as never:
            authority.stamp(b"data")
        assert never.value.permanent


def test_a_stamp_says_when_and_is_checked_over_its_data(settings: Any) -> None:
    roots = [_root(settings.CA_CERTIFICATE_FILE)]
    before = datetime.now(UTC) - timedelta(seconds=1)
    stamp = TimeStampAuthority.from_settings().stamp(b"data")
    for known in (roots, []):
        assert before <= timestamps.check(stamp, b"data", known) <= datetime.now(UTC)
        with pytest.raises(StampWrong):
            timestamps.check(stamp, b"other", known)
    for junk in (b"", b"junk", stamp[:100]):
        with pytest.raises(StampWrong):
            timestamps.check(junk, b"data", [])


@pytest.mark.parametrize("kind", ["tsa", "package"])
def test_only_a_time_stamping_certificate_under_this_ca_counts(
    kind: str, settings: Any, tmp_path: Path
) -> None:
    """`tsa`: the right kind under another CA. `package`: another kind under the right one."""
    (tmp_path / "ca").mkdir()
    authority = certificates.CertificateAuthority.make(tmp_path / "ca", operator="Other")
    authority.issue(tmp_path, kind)
    key, certificate = tmp_path / f"{kind}.key", tmp_path / f"{kind}.pem"
    root = _root(settings.CA_CERTIFICATE_FILE if kind == "tsa" else tmp_path / "ca" / "ca.pem")
    with pytest.raises((StampWrong, StampFailed)):
        timestamps.check(TimeStampAuthority(key, certificate).stamp(b"data"), b"data", [root])
