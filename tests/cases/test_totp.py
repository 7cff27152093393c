"""The one-time codes of the demo's sign-ins: the vectors of RFC 6238, appendix B (SHA-1)."""

from __future__ import annotations

import base64

import pytest

from cases.operations import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


# The RFC prints eight digits; six-digit codes are their last six (RFC 4226 §5.3).
@pytest.mark.parametrize(
    ("at", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(at: int, eight_digits: str) -> None:
    assert totp.code(SECRET, at) == eight_digits[-6:]


def test_a_new_secret_has_160_bits_and_is_another_each_time() -> None:
    first, second = totp.new_secret(), totp.new_secret()
    assert len(base64.b32decode(first)) == 20
    assert first != second
