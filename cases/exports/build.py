"""Building a package in one stream: write the formats, sign the bag, encrypt for the partner."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from cases import certificates
from cases.exports.bag import Bag, Signer
from cases.exports.encrypt_for import Sink
from cases.exports.info import info
from cases.exports.material import Material
from cases.exports.profiles import PROFILES
from reporting.custody.timestamps import TimeStampAuthority


def signer_from_settings() -> Signer:
    """The key and certificate for packages (ECDSA P-256), with the time stamp authority.

    Raises certificates.CertificateExpired, certificates.WrongPurpose.
    """
    key = load_pem_private_key(Path(settings.PACKAGE_KEY_FILE).read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    if certificates.time_left(settings.PACKAGE_CERTIFICATE_FILE) <= timedelta(0):
        raise certificates.CertificateExpired("the certificate for packages has run out")
    certificate = _certificate(settings.PACKAGE_CERTIFICATE_FILE)
    certificates.check_purpose(certificate, "package")
    certificates.check_purpose(_certificate(settings.TSA_CERTIFICATE_FILE), "tsa")
    return Signer(
        key=key,
        certificate=certificate,
        ca=_certificate(settings.CA_CERTIFICATE_FILE),
        stamp=TimeStampAuthority.from_settings().stamp,
    )


def _certificate(path: str | Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def write(material: Material, sink: Sink, *, signer: Signer) -> str:
    """Write the whole package into `sink`, as a ZIP of a signed bag (BagIt, RFC 8493).

    Returns the SHA-256 (hex) of its tag manifest. Raises evidence.HashMismatch, StampFailed, NoPdf.
    """
    bag = Bag(material.name, sink)
    for write_format in PROFILES[material.referral.profile].formats:
        write_format(bag, material)
    return bag.finish(signer, info(material))
