"""The key ceremony: every key of the house made once, the office key also on paper, and the paper tried before anybody leaves.

Files (PEM unless said otherwise) go into one folder, 0600. Each process is later given only its own. SECURITY.md says who holds
what, what a theft gives, and how each is replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shamir_mnemonic
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from reporting.vault import keys

SHARES_NEEDED, SHARES = 2, 3
CA_LIFE = timedelta(days=3650)
SIGNER_LIFE = timedelta(days=825)
RECEIPT_LIFE = timedelta(days=90)
DOORS_WITH_SECRET = ("staff",)

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class AlreadyHeld(Exception):
    """The folder holds keys. A second ceremony there would make every sealed report unreadable; choose an empty folder."""


class PaperDoesNotOpen(Exception):
    """The shares do not give back the key: the ceremony has failed and its folder must not be used."""


@dataclass(frozen=True)
class Held:
    folder: Path
    shares: tuple[str, ...]
    ca_fingerprint: str


def hold(folder: Path, *, operator: str) -> Held:
    """Make every key in `folder`. The paper shares are returned and written nowhere."""
    if folder.exists() and any(folder.iterdir()):
        raise AlreadyHeld(str(folder))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    seed = secrets.token_bytes(32)
    working, paper = keys.new_secret(), keys.secret_from_seed(seed)
    (shares,) = shamir_mnemonic.generate_mnemonics(1, [(SHARES_NEEDED, SHARES)], seed)
    _write(folder / "office.key", working)
    _write(folder / "office-recipients", f"{keys.recipient_of(working)}\n{keys.recipient_of(paper)}\n")

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate(f"{operator} CA", ca_key, life=CA_LIFE)
    _pair(folder, "ca", ca_key, ca)
    receipt, package, tsa = ed25519.Ed25519PrivateKey.generate(), _p256(), _p256()
    _pair(folder, "receipt", receipt, _certificate(f"{operator} receipts", receipt, life=RECEIPT_LIFE, issuer=(ca, ca_key)))
    _pair(folder, "package", package, _certificate(f"{operator} packages", package, life=SIGNER_LIFE, issuer=(ca, ca_key)))
    stamp = _certificate(
        f"{operator} time stamps", tsa, life=CA_LIFE - timedelta(days=1), issuer=(ca, ca_key), time_stamping=True
    )
    _pair(folder, "tsa", tsa, stamp)
    checkpoint = ed25519.Ed25519PrivateKey.generate()
    _write(folder / "checkpoint.key", _private_pem(checkpoint))
    _write(folder / "checkpoint.pub", _public_pem(checkpoint))

    _write(folder / "lookup.key", secrets.token_hex(32))
    _write(folder / "staff-secret.key", Fernet.generate_key().decode())
    for door in DOORS_WITH_SECRET:
        _write(folder / f"secret-key-{door}", secrets.token_urlsafe(64))

    try_paper(shares[:SHARES_NEEDED], recipients=(folder / "office-recipients").read_text().split())
    fingerprint = ca.fingerprint(hashes.SHA256()).hex(":").upper()
    return Held(folder, tuple(shares), fingerprint)


def try_paper(shares: Sequence[str], *, recipients: Sequence[str]) -> keys.Secret:
    """Open a test wrap with the paper alone. Raises PaperDoesNotOpen."""
    try:
        paper = keys.secret_from_seed(shamir_mnemonic.combine_mnemonics(list(shares)))
    except shamir_mnemonic.MnemonicError as error:
        raise PaperDoesNotOpen(str(error)) from None
    if keys.recipient_of(paper) not in recipients:
        raise PaperDoesNotOpen("these shares belong to another office key")
    test = keys.new_secret()
    wrapped = keys.wrap(test, keys.recipient_of(paper))
    if keys.unwrap(wrapped, paper, expected=keys.recipient_of(test)) != test:
        raise PaperDoesNotOpen("the test wrap gave another key")
    return paper


def _p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str,
    key: PrivateKey,
    *,
    life: timedelta,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
    time_stamping: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(ca=issuer is None), critical=True)
    )
    if issuer:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
        builder = builder.add_extension(authority, critical=False)
    if time_stamping:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    signer = issuer[1] if issuer else key
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


def _pair(folder: Path, name: str, key: PrivateKey, certificate: x509.Certificate) -> None:
    _write(folder / f"{name}.key", _private_pem(key))
    _write(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM).decode())


def _private_pem(key: PrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def _public_pem(key: PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
