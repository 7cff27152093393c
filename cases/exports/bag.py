"""A BagIt 1.0 bag (RFC 8493) written once, front to back, into a stored ZIP that streams.

Names are ASCII of our own making, so `sha256sum -c` reads the manifests as they are. What is
written last: manifests, tag manifest, CMS signature over the tag manifest, RFC 3161 stamp over the
signature.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cases.exports.encrypt_for import Sink
from reporting.vault.digests import ALGORITHMS, Digests, Hasher, digests_of

_NAME = re.compile(r"[A-Za-z0-9._/-]+\Z")


class NotAsKnown(Exception):
    """A file's SHA-256 is not the one its known hashes belong to. The package must not leave."""


@dataclass(frozen=True)
class Written:
    """A file in the bag. `size` in bytes."""

    size: int
    digests: Digests


@dataclass(frozen=True)
class Signer:
    """Signs a package: P-256 key and certificate, the CA's certificate for convenience, and what
    makes an RFC 3161 stamp over bytes."""

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
    """`payload`, `stream` and `tag` files in any order, then `finish`."""

    name: str
    sink: Sink
    _payload: dict[str, Written] = field(default_factory=dict)
    _tags: dict[str, Written] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self.sink), "w", zipfile.ZIP_STORED)
        self._date = datetime.now(UTC)

    def payload(self, name: str, content: bytes) -> None:
        self._payload[f"data/{name}"] = self._write(f"data/{name}", content)

    def stream(
        self,
        name: str,
        open_original: Callable[[Hasher], Iterable[bytes]],
        known: Digests | None = None,
    ) -> Written:
        """A payload file in pieces. `open_original` gives each of them to the hasher too: whoever
        opens what was sealed hashes it anyway, and once is enough.

        `known`: all hashes of this content, taken earlier. Then only SHA-256 is computed again, and
        NotAsKnown raised if it is another one: the manifests would not be true.
        """
        hasher = Hasher("sha256") if known else Hasher(*ALGORITHMS)
        size = 0
        with self._entry(f"data/{name}") as out:
            for piece in open_original(hasher):
                out.write(piece)
                size += len(piece)
        found = hasher.finish()
        if known and found["sha256"] != known.sha256:
            raise NotAsKnown
        written = self._payload[f"data/{name}"] = Written(size, known or Digests(**found))
        return written

    def tag(self, name: str, content: bytes) -> None:
        self._tags[name] = self._write(name, content)

    def finish(self, signer: Signer, info: dict[str, str]) -> str:
        """Writes the end of the bag. Returns the SHA-256 of the tag manifest (hex), the one number
        that stands for the whole package."""
        self.tag("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        octets = sum(written.size for written in self._payload.values())
        oxum = f"{octets}.{len(self._payload)}"
        lines = {**info, "Payload-Oxum": oxum}
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

    def _write(self, name: str, content: bytes) -> Written:
        with self._entry(name) as out:
            out.write(content)
        return Written(len(content), digests_of(content))

    def _entry(self, name: str) -> IO[bytes]:
        if not _NAME.match(name) or ".." in name or name in self._payload or name in self._tags:
            raise ValueError(f"not a name for a bag: {name!r}")
        entry = zipfile.ZipInfo(f"{self.name}/{name}", self._date.timetuple()[:6])
        entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
        return self._zip.open(entry, "w", force_zip64=True)


def _manifest(files: dict[str, Written], algorithm: str) -> bytes:
    lines = [
        f"{getattr(written.digests, algorithm)}  {name}\n"
        for name, written in sorted(files.items())
    ]
    return "".join(lines).encode()
