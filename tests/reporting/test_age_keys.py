"""Report keys, office keys, and the wraps that carry one to the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import bech32
import pytest

from reporting.vault import age_keys, keys


@pytest.mark.parametrize("holder_kind", [keys.new_secret, keys.new_office_secret])
def test_a_wrap_of_another_key_is_refused(holder_kind: Callable[[], keys.Secret]) -> None:
    mine, other, holder = keys.new_secret(), keys.new_secret(), holder_kind()
    wrapped = keys.wrap(other, keys.public_key_of(holder))
    assert keys.unwrap(wrapped, holder, expected=keys.public_key_of(other)) == other
    with pytest.raises(keys.WrongKey):
        keys.unwrap(wrapped, holder, expected=keys.public_key_of(mine))
    with pytest.raises(keys.WrongKey):
        keys.unwrap(wrapped, holder_kind(), expected=keys.public_key_of(other))


def test_the_version_of_a_wrap_says_its_kind() -> None:
    secret, office, code = keys.new_secret(), keys.new_office_secret(), keys.new_secret()
    expected = keys.public_key_of(secret)
    for_office = keys.wrap(secret, keys.public_key_of(office))
    for_code = keys.wrap(secret, keys.public_key_of(code))
    assert (for_office[:1], for_code[:1]) == (b"\2", b"\1")
    assert b"-> mlkem768x25519 " in for_office
    assert b"-> X25519 " in for_code
    for wrapped, key in ((for_office, office), (for_code, code)):
        other_version = b"\1" if wrapped[:1] == b"\2" else b"\2"
        for version in (other_version, b"\0", b"\3", b""):
            with pytest.raises(keys.WrongKey):
                keys.unwrap(version + wrapped[1:], key, expected=expected)


def test_thirty_two_bytes_are_a_key_of_either_kind() -> None:
    seed = bytes(range(32))
    office, report = keys.secret_from_seed(seed, hybrid=True), keys.secret_from_seed(seed)
    assert office.startswith("AGE-SECRET-KEY-PQ-1")
    assert report.startswith("AGE-SECRET-KEY-1")
    assert (len(keys.public_key_of(office)), len(keys.public_key_of(report))) == (1959, 62)
    assert keys.secret_from_seed(seed, hybrid=True) == office
    with pytest.raises(ValueError, match="32 bytes"):
        keys.secret_from_seed(seed[:-1], hybrid=True)


@pytest.mark.parametrize("prefix", ["age", "age-secret-key-"])
def test_the_text_form_is_bech32_as_another_library_writes_it(prefix: str) -> None:
    raw = os.urandom(32)
    words = bech32.convertbits(raw, 8, 5) or []
    text = bech32.bech32_encode(prefix, words)
    assert age_keys._encode(prefix, raw) == text
    assert age_keys._decode(prefix, text, 32) == age_keys._decode(prefix, text.upper(), 32) == raw
    other = "q" if text[-1] != "q" else "p"
    rest_is_not_zero = bech32.bech32_encode(prefix, [*words[:-1], words[-1] | 1])
    for words_of_other_length in (words[:-2], [*words, 0], []):
        _refused(prefix, bech32.bech32_encode(prefix, words_of_other_length))
    _refused(prefix, rest_is_not_zero)
    _refused(prefix, text[:-1] + other)
    _refused(prefix, text.replace("1", "", 1))
    _refused(prefix, text[:-2] + "b" + text[-1])
    _refused(prefix, text[:-1] + text[-1].upper() if text[-1].isalpha() else text.title())
    _refused(prefix, f"ſ{text[1:]}")
    _refused(prefix, "")


def _refused(prefix: str, text: str) -> None:
    with pytest.raises(keys.NotAKey):
        age_keys._decode(prefix, text, 32)


def test_a_file_of_public_keys_with_a_broken_line_is_refused() -> None:
    office, report = (
        keys.public_key_of(make()) for make in (keys.new_office_secret, keys.new_secret)
    )
    assert keys.read_public_keys(f"# the office\n{office}\n\n {report} \n") == [office, report]
    with pytest.raises(keys.NotAKey):
        keys.read_public_keys(f"{office}\n{report[:-1]}\n")
    assert keys.key_id(office) == hashlib.sha256(office.encode()).hexdigest()[:16]
