"""The key ceremony: every key of the house made once, the office key also on paper, and the paper
tried before anybody leaves.

Files (PEM unless said otherwise) go into one folder, 0600. Each process is later given only its
own. The office's keys are hybrid (`reporting.vault.keys`). SECURITY.md says who holds what, what a
theft gives, and how each is replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import shamir_mnemonic
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from cases.certificates import KINDS, CertificateAuthority, private_pem, write_secret
from reporting.vault import keys

SHARES_NEEDED, SHARES = 2, 3


class AlreadyHeld(Exception):
    """The folder holds keys. A second ceremony there would make every sealed report unreadable;
    choose an empty folder."""


class PaperDoesNotOpen(Exception):
    """The shares do not give back the key: the ceremony failed; its folder must not be used."""


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
    working, paper = keys.new_office_secret(), keys.secret_from_seed(seed, hybrid=True)
    (shares,) = shamir_mnemonic.generate_mnemonics(1, [(SHARES_NEEDED, SHARES)], seed)
    write_secret(folder / "office.key", working)
    write_secret(
        folder / "office-public-keys",
        f"{keys.public_key_of(working)}\n{keys.public_key_of(paper)}\n",
    )

    ca = CertificateAuthority.make(folder, operator=operator)
    for kind in KINDS:
        ca.issue(folder, kind)
    checkpoint = ed25519.Ed25519PrivateKey.generate()
    write_secret(folder / "checkpoint.key", private_pem(checkpoint))
    write_secret(folder / "checkpoint.pub", _public_pem(checkpoint))

    write_secret(folder / "lookup.key", secrets.token_hex(32))
    write_secret(folder / "staff-secret.key", Fernet.generate_key().decode())
    write_secret(folder / "secret-key-staff", secrets.token_urlsafe(64))

    try_paper(
        shares[:SHARES_NEEDED], public_keys=(folder / "office-public-keys").read_text().split()
    )
    fingerprint = ca.certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Held(folder, tuple(shares), fingerprint)


def try_paper(shares: Sequence[str], *, public_keys: Sequence[str]) -> keys.Secret:
    """Open a test wrap with the paper alone. Raises PaperDoesNotOpen."""
    try:
        seed = shamir_mnemonic.combine_mnemonics(list(shares))
        paper = keys.secret_from_seed(seed, hybrid=True)
    except (shamir_mnemonic.MnemonicError, ValueError) as error:
        raise PaperDoesNotOpen(str(error)) from None
    if keys.public_key_of(paper) not in public_keys:
        raise PaperDoesNotOpen("these shares belong to another office key")
    test = keys.new_secret()
    wrapped = keys.wrap(test, keys.public_key_of(paper))
    if keys.unwrap(wrapped, paper, expected=keys.public_key_of(test)) != test:
        raise PaperDoesNotOpen("the test wrap gave another key")
    return paper


def _public_pem(key: ed25519.Ed25519PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
