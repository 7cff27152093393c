"""A BagIt 1.0 bag (RFC 8493) written once, front to back, into a stored ZIP that streams.

Names are ASCII of our own making, so `sha256sum -c` reads the manifests as they are. What is written last: manifests, tag manifest,
CMS seal over the tag manifest, RFC 3161 stamp over the seal.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cases.exports.encrypt_for import Sink

_NAME = re.compile(r"[A-Za-z0-9._/-]+\Z")


@dataclass(frozen=True)
class Digests:
    size: int
    md5: str
    sha1: str
    sha256: str
    sha512: str


@dataclass(frozen=True)
class Signer:
    """Signs a package: P-256 key and certificate, the CA's certificate for convenience, and a time-stamping function."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate
    ca: x509.Certificate
    stamp: Callable[[bytes], bytes]

    def sign(self, data: bytes) -> bytes:
        """Detached CMS SignedData, DER, ECDSA with SHA-256."""
        builder = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(data)
            .add_signer(self.certificate, self.key, hashes.SHA256())
        )
        options = [
            pkcs7.PKCS7Options.DetachedSignature,
            pkcs7.PKCS7Options.Binary,
            pkcs7.PKCS7Options.NoCapabilities,
        ]
        return builder.sign(Encoding.DER, options)


@dataclass
class Bag:
    """`payload` and `tag` files in any order, then `finish`."""

    name: str
    sink: Sink
    _payload: dict[str, Digests] = field(default_factory=dict)
    _tags: dict[str, Digests] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(self.sink, "w", zipfile.ZIP_STORED, allowZip64=True)  # type: ignore[call-overload]
        self._date = datetime.now(UTC)

    def payload(self, name: str, content: bytes | Iterable[bytes]) -> Digests:
        digests = self._payload[f"data/{name}"] = self._write(f"data/{name}", content)
        return digests

    def tag(self, name: str, content: bytes) -> None:
        self._tags[name] = self._write(name, content)

    def finish(self, signer: Signer, info: dict[str, str]) -> str:
        """Writes the end of the bag; SHA-256 of the tag manifest, the one number that stands for the whole package."""
        self.tag("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        oxum = f"{sum(one.size for one in self._payload.values())}.{len(self._payload)}"
        lines = {**info, "Bagging-Date": self._date.date().isoformat(), "Payload-Oxum": oxum}
        self.tag(
            "bag-info.txt", "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()
        )
        for algorithm in ("sha256", "sha512"):
            self.tag(f"manifest-{algorithm}.txt", _manifest(self._payload, algorithm))
        tagmanifest = _manifest(self._tags, "sha256")
        self._write("tagmanifest-sha256.txt", tagmanifest)
        signature = signer.sign(tagmanifest)
        self._write("seal/tagmanifest.p7s", signature)
        self._write("seal/tagmanifest.p7s.tsr", signer.stamp(signature))
        self._write(
            "seal/chain.pem",
            signer.certificate.public_bytes(Encoding.PEM) + signer.ca.public_bytes(Encoding.PEM),
        )
        self._zip.close()
        return hashlib.sha256(tagmanifest).hexdigest()

    def _write(self, name: str, content: bytes | Iterable[bytes]) -> Digests:
        if not _NAME.match(name) or ".." in name or name in self._payload or name in self._tags:
            raise ValueError(f"not a name for a bag: {name!r}")
        entry = zipfile.ZipInfo(f"{self.name}/{name}", self._date.timetuple()[:6])
        entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
        digests = [
            hashlib.md5(usedforsecurity=False),
            hashlib.sha1(usedforsecurity=False),
            hashlib.sha256(),
            hashlib.sha512(),
        ]
        size = 0
        with self._zip.open(entry, "w", force_zip64=True) as out:
            for piece in [content] if isinstance(content, bytes) else content:
                for digest in digests:
                    digest.update(piece)
                size += len(piece)
                out.write(piece)
        return Digests(size, *(digest.hexdigest() for digest in digests))


def _manifest(files: dict[str, Digests], algorithm: str) -> bytes:
    return "".join(
        f"{getattr(digests, algorithm)}  {name}\n" for name, digests in sorted(files.items())
    ).encode()
