"""Time stamps: ours and an outside authority's, read by OpenSSL and by a second implementation."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError

from reporting.custody.timestamps import StampFailed, TimeStampAuthority

pytestmark = pytest.mark.needs("openssl")


@pytest.fixture
def outside(settings: Any) -> Iterator[str]:
    """An authority reached by URL (RFC 3161, section 3.4), here on loopback with our own key behind it."""
    inner = TimeStampAuthority.from_settings()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            request = self.rfile.read(int(self.headers["Content-Length"]))
            answer = b"busy" if self.path == "/broken" else inner._answer(request)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _openssl_accepts(stamp: bytes, data: bytes, ca: Path, folder: Path) -> bool:
    (folder / "stamp").write_bytes(stamp)
    (folder / "data").write_bytes(data)
    command = ["openssl", "ts", "-verify", "-data", "data", "-in", "stamp", "-CAfile", str(ca)]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _second_opinion(stamp: bytes, data: bytes, ca: Path) -> None:
    verifier = (
        VerifierBuilder()
        .add_root_certificate(x509.load_pem_x509_certificate(ca.read_bytes()))
        .build()
    )
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
    stamp = TimeStampAuthority(Path("/not-set/x"), Path("/not-set/x"), url=outside).stamp(b"data")
    assert _openssl_accepts(stamp, b"data", settings.CA_CERTIFICATE_FILE, tmp_path)


def test_an_authority_that_fails_is_named_and_may_be_asked_again(outside: str) -> None:
    nothing = Path("/not-set/x")
    with pytest.raises(StampFailed) as broken:
        TimeStampAuthority(nothing, nothing, url=f"{outside}/broken").stamp(b"data")
    assert not broken.value.permanent
    with pytest.raises(StampFailed) as gone:
        TimeStampAuthority(nothing, nothing, url="http://127.0.0.1:9/").stamp(b"data")
    assert not gone.value.permanent
    with pytest.raises(StampFailed) as never:
        TimeStampAuthority(nothing, nothing).stamp(b"data")
    assert never.value.permanent
