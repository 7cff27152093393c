"""consent/: the reporter's consent to this partner: the signed statement byte for byte, its Ed25519
signature, and the public key (PEM) that the first custody event of the report names."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    given = material.referral.consent
    if given is None:
        return
    key = Ed25519PublicKey.from_public_bytes(material.signing_key)
    bag.payload("consent/consent.json", given.statement.encode())
    bag.payload("consent/consent.sig", bytes(given.signature))
    bag.payload(
        "consent/key.pem", key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
