"""Time-based one-time codes (RFC 6238 over RFC 4226: SHA-1, 30 seconds, 6 digits), as the second
step of the sign-in expects them. For the demo's sign-ins only: allauth checks codes by itself.
"""

from __future__ import annotations

import base64
import hmac
import secrets

STEP_SECONDS = 30
DIGITS = 6


def new_secret() -> str:
    """160 random bits (RFC 4226 §4, R6) in base32, as authenticator apps read it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code(secret: str, at: float) -> str:
    """The 6 digits at Unix time `at` (seconds). Raises binascii.Error if `secret` is not base32."""
    counter = int(at) // STEP_SECONDS
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"
