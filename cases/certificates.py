"""The operator's X.509 certificates (RFC 5280) for receipts, packages and time stamps, all issued
by the operator's own CA: first in the ceremony, and again before they expire.

Each certificate has one purpose, its only extended key usage, and verifiers refuse it for any
other:

    packages        PURPOSES.1   verify.sh and pyHanko users who check it
    receipts        PURPOSES.2   verify-receipt.sh
    time stamps     1.3.6.1.5.5.7.3.8 (id-kp-timeStamping, RFC 3161)

PURPOSES is an arc of our own: 2.25 followed by a random UUID as a number (ITU-T X.667), which needs
no registration. Both shell verifiers hold it as text, and a test compares them with this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
CA_LIFE = timedelta(days=3650)
PURPOSES = "2.25.231477064040573834902869997059194076302"


class CertificateExpired(Exception):
    """Verifiers would refuse what its key signs. `permanent`: the operator must issue a new one."""

    permanent = True


class WrongPurpose(Exception):
    """A certificate of another kind. `permanent`: the operator must put the right one in its
    place."""

    permanent = True


@dataclass(frozen=True)
class Kind:
    """`words` follow the operator's name in the common name and say what the certificate is for.

    `purpose`: the only extended key usage that it has.
    """

    words: str
    life: timedelta
    make_key: Callable[[], PrivateKey]
    purpose: x509.ObjectIdentifier


def _p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


KINDS = {
    "receipt": Kind(
        "receipts",
        timedelta(days=90),
        ed25519.Ed25519PrivateKey.generate,
        x509.ObjectIdentifier(f"{PURPOSES}.2"),
    ),
    "package": Kind("packages", timedelta(days=825), _p256, x509.ObjectIdentifier(f"{PURPOSES}.1")),
    "tsa": Kind(
        "time stamps",
        CA_LIFE - timedelta(days=1),
        _p256,
        ExtendedKeyUsageOID.TIME_STAMPING,
    ),
}


@dataclass(frozen=True)
class CertificateAuthority:
    """The operator's CA (ECDSA P-256). Its key is kept offline."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, folder: Path, *, operator: str) -> CertificateAuthority:
        """A new self-signed CA, as ca.key and ca.pem. Raises FileExistsError."""
        key = _p256()
        certificate = _certificate(f"{operator} CA", key, life=CA_LIFE, issuer=None)
        _write_pair(folder, "ca", key, certificate)
        return cls(certificate, key)

    @classmethod
    def load(cls, folder: Path) -> CertificateAuthority:
        """Raises OSError, ValueError when `folder` holds no ca.key and ca.pem."""
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("ca.key is not the key of a CA")
        return cls(x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()), key)

    @property
    def operator(self) -> str:
        (name,) = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(name.value).removesuffix(" CA")

    def issue(self, folder: Path, kind: str) -> x509.Certificate:
        """A new key with its certificate, as KIND.key and KIND.pem; `kind` is a key of KINDS.

        Raises FileExistsError: nothing is replaced.
        """
        of_kind = KINDS[kind]
        key = of_kind.make_key()
        certificate = _certificate(
            f"{self.operator} {of_kind.words}",
            key,
            life=of_kind.life,
            issuer=self,
            purpose=of_kind.purpose,
        )
        _write_pair(folder, kind, key, certificate)
        return certificate

    def end(self, path: Path, serial: int, reason: x509.ReasonFlags) -> None:
        """Add a certificate to the list of those that ended before their time (X.509 CRL, PEM).

        `path` is made if it is not there. Everybody who verifies names the newest list to the
        scripts. Raises ValueError for a list by another CA.
        """
        now = datetime.now(UTC)
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(self.certificate.not_valid_after_utc)
            .add_revoked_certificate(entry.build())
        )
        for earlier in self._ended(path):
            if earlier.serial_number != serial:
                builder = builder.add_revoked_certificate(earlier)
        signed = builder.sign(self.key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _ended(self, path: Path) -> list[x509.RevokedCertificate]:
        if not path.exists():
            return []
        known = x509.load_pem_x509_crl(path.read_bytes())
        if not known.is_signature_valid(self.key.public_key()):
            raise ValueError(f"{path} is a list by another CA")
        return list(known)


def check_purpose(certificate: x509.Certificate, kind: str) -> None:
    """The certificate is of this kind and of no other. Raises WrongPurpose."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        purposes = list(found.value)
    except x509.ExtensionNotFound:
        purposes = []
    if purposes != [KINDS[kind].purpose]:
        raise WrongPurpose(f"this certificate is not one for {KINDS[kind].words}")


def time_left(path: Path) -> timedelta:
    """Until the certificate in a PEM file expires; negative if it has."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc - datetime.now(UTC)


def _certificate(
    name: str,
    key: PrivateKey,
    *,
    life: timedelta,
    issuer: CertificateAuthority | None,
    purpose: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
        .add_extension(
            x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(ca=issuer is None), critical=True)
    )
    if issuer:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(authority, critical=False)
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    signer = issuer.key if issuer else key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write_pair(folder: Path, name: str, key: PrivateKey, certificate: x509.Certificate) -> None:
    write_secret(folder / f"{name}.key", private_pem(key))
    write_secret(
        folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM).decode()
    )


def private_pem(key: PrivateKey) -> str:
    """PKCS #8 in PEM, not encrypted."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def write_secret(path: Path, text: str) -> None:
    """A new file that only its owner can read (mode 0600). Raises FileExistsError."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
