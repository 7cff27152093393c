"""The two kinds of age keys and their text form.

| kind | standard | public key | secret |
|---|---|---|---|
| X25519 | age v1, RFC 7748 | `age1…`, 32 bytes | `AGE-SECRET-KEY-1…`, 32 bytes |
| hybrid | age `mlkem768x25519` | `age1pq1…`, 1,216 bytes | `AGE-SECRET-KEY-PQ-1…`, 32 bytes |

Hybrid is HPKE (RFC 9180) with ML-KEM-768 and X25519: whoever wants to open must break both.
The text form is Bech32 (BIP 173) without its limit of 90 characters.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache, reduce
from operator import xor

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from reporting.vault.age_header import (
    WRAPPED_FILE_KEY_SIZE,
    HeaderFailure,
    Public,
    Stanza,
    decode_base64,
    derive,
    encode_base64,
)

SEED_SIZE = 32

_X25519, _HYBRID = b"X25519", b"mlkem768x25519"
_X25519_INFO = b"age-encryption.org/v1/X25519"
_HYBRID_INFO = b"age-encryption.org/mlkem768x25519"
_PUBLIC, _PUBLIC_PQ = "age", "age1pq"
_SECRET, _SECRET_PQ = "age-secret-key-", "age-secret-key-pq-"
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_SEED_SIZE = 64
_ENCAPSULATED_SIZE = 1120  # 1,088 bytes of ML-KEM ciphertext, 32 bytes of X25519
_ZERO_NONCE = bytes(12)  # each wrapping key encrypts once
# Bech32: words of five bits, written in an alphabet of its own, with a BCH checksum behind them.
_CHECKSUM_WORDS = 6
_NO_WORD = 0xFF
_WORDS = bytes(range(32))
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_TO_BECH32 = bytes.maketrans(_WORDS, _BECH32)
_FROM_BECH32 = bytes(_BECH32.find(character) & _NO_WORD for character in range(256))
_FROM_BASE32 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _WORDS)
_TO_DIGITS = bytes.maketrans(_WORDS, b"0123456789abcdefghijklmnopqrstuv")
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_FEEDBACK = tuple(
    reduce(xor, (term for bit, term in enumerate(_GENERATOR) if top >> bit & 1), 0)
    for top in range(32)
)
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class NotAKey(ValueError):
    """The text is no age key of the kinds above: mistyped, cut, or of another kind."""


class X25519Public:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._key = X25519PublicKey.from_public_bytes(raw)

    def wrap(self, file_key: bytes) -> Stanza:
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(self._key)
        key = derive(shared, salt=share + self._raw, info=_X25519_INFO)
        body = ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)
        return Stanza((_X25519, encode_base64(share)), body)


class HybridPublic:
    def __init__(self, raw: bytes) -> None:
        self._key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_SIZE:]),
        )

    def wrap(self, file_key: bytes) -> Stanza:
        sealed = _SUITE.encrypt(file_key, self._key, _HYBRID_INFO)
        encapsulated = encode_base64(sealed[:_ENCAPSULATED_SIZE])
        return Stanza((_HYBRID, encapsulated), sealed[_ENCAPSULATED_SIZE:])


class X25519Private:
    def __init__(self, seed: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        return _encode(_PUBLIC, self._public)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        share = _share(stanza, _X25519, 32)
        if share is None:
            return None
        shared = _exchange(self._key, share)
        key = derive(shared, salt=share + self._public, info=_X25519_INFO)
        try:
            return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, stanza.body, None)
        except InvalidTag:
            return None


class HybridPrivate:
    """The 32-byte seed is stretched by SHAKE256 to 64 bytes for ML-KEM and 32 for X25519."""

    def __init__(self, seed: bytes) -> None:
        grown = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + 32)
        self._mlkem = MLKEM768PrivateKey.from_seed_bytes(grown[:_MLKEM_SEED_SIZE])
        self._x25519 = X25519PrivateKey.from_private_bytes(grown[_MLKEM_SEED_SIZE:])
        self._key = MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    @property
    def public_text(self) -> str:
        x25519 = self._x25519.public_key().public_bytes_raw()
        return _encode(_PUBLIC_PQ, self._mlkem.public_key().public_bytes_raw() + x25519)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        encapsulated = _share(stanza, _HYBRID, _ENCAPSULATED_SIZE)
        if encapsulated is None:
            return None
        # HPKE says only "invalid tag" for a point of low order; age wants a header failure.
        _exchange(self._x25519, encapsulated[-32:])
        try:
            return _SUITE.decrypt(encapsulated + stanza.body, self._key, _HYBRID_INFO)
        except InvalidTag:
            return None


def _share(stanza: Stanza, kind: bytes, size: int) -> bytes | None:
    """The stanza's share, or None when it is of another kind. Raises HeaderFailure."""
    if stanza.arguments[0] != kind:
        return None
    if len(stanza.arguments) != 2:
        raise HeaderFailure("a stanza has another number of arguments")
    share = decode_base64(stanza.arguments[1])
    # The body's length is checked before decrypting, so that no longer file key is ever tried.
    if len(share) != size or len(stanza.body) != WRAPPED_FILE_KEY_SIZE:
        raise HeaderFailure("a share or a wrapped file key has another length")
    return share


def _exchange(key: X25519PrivateKey, share: bytes) -> bytes:
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise HeaderFailure("a share is a point of low order") from None


def is_hybrid(text: str) -> bool:
    """Whether the text form, public or secret, is of the hybrid kind. Does not check the rest."""
    return text.lower().startswith((f"{_PUBLIC_PQ}1", f"{_SECRET_PQ}1"))


@lru_cache(maxsize=1024)  # public keys come again; a hybrid one takes 0.3 ms to parse
def parse_public(text: str) -> Public:
    """Raises NotAKey."""
    if is_hybrid(text):
        return HybridPublic(_decode(_PUBLIC_PQ, text, _MLKEM_PUBLIC_SIZE + 32))
    return X25519Public(_decode(_PUBLIC, text, 32))


def parse_secret(text: str) -> X25519Private | HybridPrivate:
    """Not cached, so that no secret outlives its use. Raises NotAKey."""
    if is_hybrid(text):
        return HybridPrivate(_decode(_SECRET_PQ, text, SEED_SIZE))
    return X25519Private(_decode(_SECRET, text, SEED_SIZE))


def secret_text(seed: bytes, *, hybrid: bool) -> str:
    """The text form of a secret from its 32 bytes."""
    if len(seed) != SEED_SIZE:
        raise ValueError(f"an age secret is made from {SEED_SIZE} bytes")
    return _encode(_SECRET_PQ if hybrid else _SECRET, seed).upper()


def _encode(prefix: str, raw: bytes) -> str:
    words = base64.b32encode(raw).rstrip(b"=").translate(_FROM_BASE32)
    remainder = _remainder(prefix, words + bytes(_CHECKSUM_WORDS)) ^ 1
    checksum = bytes(remainder >> 5 * place & 31 for place in reversed(range(_CHECKSUM_WORDS)))
    return f"{prefix}1{(words + checksum).translate(_TO_BECH32).decode()}"


def _decode(prefix: str, text: str, size: int) -> bytes:
    typed = text.encode("ascii", "replace")
    lower = typed.lower()
    found, _, data = lower.rpartition(b"1")
    words = data.translate(_FROM_BECH32)
    well_formed = typed in (lower, typed.upper()) and found == prefix.encode()
    if not well_formed or _NO_WORD in words or _remainder(prefix, words) != 1:
        raise NotAKey(f"not a key that begins with {prefix}1")
    words = words[:-_CHECKSUM_WORDS]
    rest = len(words) * 5 - size * 8  # bits behind the last byte, which must be 0
    number = int(words.translate(_TO_DIGITS) or b"0", 32)
    if not 0 <= rest < 5 or number & (1 << rest) - 1:
        raise NotAKey(f"a key that begins with {prefix}1 holds {size} bytes")
    return (number >> rest).to_bytes(size, "big")


def _remainder(prefix: str, words: bytes) -> int:
    """Of prefix and words as a polynomial: 1 where the last words are the right checksum."""
    state = _after_prefix(prefix)
    for word in words:
        state = (state & 0x1FFFFFF) << 5 ^ word ^ _FEEDBACK[state >> 25]
    return state


@lru_cache
def _after_prefix(prefix: str) -> int:
    state = 1
    letters = prefix.encode()
    for word in (*(letter >> 5 for letter in letters), 0, *(letter & 31 for letter in letters)):
        state = (state & 0x1FFFFFF) << 5 ^ word ^ _FEEDBACK[state >> 25]
    return state
