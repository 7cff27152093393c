"""What the verifier finds before it looks at signatures, and what it finds when the ledger's own
key was stolen too."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reporting.custody import checkpoints
from tests.attacks.forgery import LEDGER, Forgery
from tests.attacks.genuine import Genuine

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]
_TIMELINE = "data/timeline.csv"


def _link(forged: Forgery) -> None:
    forged.path("data/link").symlink_to("/etc/hostname")


def _manifest_missing(forged: Forgery) -> None:
    forged.path("manifest-sha512.txt").unlink()


def _line_that_is_no_hash(forged: Forgery) -> None:
    with forged.path("manifest-sha256.txt").open("a") as file:
        file.write("../../etc/hostname\n")


def _line_twice(forged: Forgery) -> None:
    lines = forged.path("manifest-sha256.txt").read_text().splitlines(keepends=True)
    forged.path("manifest-sha256.txt").write_text("".join([*lines, lines[0]]))


def _file_missing(forged: Forgery) -> None:
    forged.path(_TIMELINE).unlink()


def _file_added(forged: Forgery) -> None:
    forged.path("data/extra.txt").write_text("planted")


def _tag_file_added(forged: Forgery) -> None:
    forged.path("seal/extra.txt").write_text("planted")


def _other_manifest_shorter(forged: Forgery) -> None:
    lines = forged.path("manifest-sha512.txt").read_text().splitlines(keepends=True)
    forged.path("manifest-sha512.txt").write_text("".join(lines[1:]))


def _tag_file_changed(forged: Forgery) -> None:
    forged.replace("README-VERIFY.txt", "WHAT", "what")


def _file_changed(forged: Forgery) -> None:
    forged.replace(_TIMELINE, "evidence:acquired", "evidence:verified")


def _manifests_fit_and_seal_does_not(forged: Forgery) -> None:
    _file_changed(forged)
    forged.manifests()


def _other_stamp(forged: Forgery) -> None:
    name = "seal/tagmanifest.p7s.tsr"
    shutil.copy(forged.genuine.other / name, forged.path(name))


def _stamp_garbage(forged: Forgery) -> None:
    forged.path("seal/tagmanifest.p7s.tsr").write_bytes(b"garbage")


def _chain_with_words(forged: Forgery) -> None:
    path = forged.path("seal/chain.pem")
    path.write_text(f"Trust me\n{path.read_text()}")


@pytest.mark.parametrize(
    ("attack", "layer"),
    [
        (_link, "files (a link or device is in the package: ./data/link)"),
        (_manifest_missing, "tag files (manifest-sha512.txt is missing)"),
        (_line_that_is_no_hash, "tag files (manifest-sha256.txt holds a line that is no hash"),
        (_line_twice, "tag files (manifest-sha256.txt names a file twice)"),
        (_file_missing, "payload files (data/timeline.csv is missing)"),
        (_file_added, "payload files (data/extra.txt is not part of the package"),
        (_tag_file_added, "tag files (seal/extra.txt is not part of the package"),
        (_other_manifest_shorter, "tag files (the two manifests name different files)"),
        (_tag_file_changed, "tag files (README-VERIFY.txt: FAILED)"),
        (_file_changed, "payload files (data/timeline.csv: FAILED)"),
        (_manifests_fit_and_seal_does_not, "seal (changed"),
        (_other_stamp, "time stamp (not over this seal"),
        (_stamp_garbage, "time stamp (cannot be read)"),
        (_chain_with_words, "chain.pem"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_without_any_key_the_layer_and_the_file_are_named(
    forged: Forgery, attack: Callable[[Forgery], None], layer: str
) -> None:
    attack(forged)
    done = forged.verified()
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith(f"NOT VALID. Layer: {layer}"), done.stdout


def test_a_wrong_sha512_is_found_although_the_sha256_fits(forged: Forgery) -> None:
    path = forged.path("manifest-sha512.txt")
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([f"{'0' * 128}{first[128:]}", *rest]))
    tags = forged.path("tagmanifest-sha256.txt")
    lines = [line for line in tags.read_text().splitlines() if "sha512" not in line]
    digest = forged.sha256("manifest-sha512.txt")
    tags.write_text("".join(f"{line}\n" for line in [*lines, f"{digest}  manifest-sha512.txt"]))
    assert "Layer: payload files, SHA-512" in forged.verified().stdout


def _row_left_out(forged: Forgery) -> None:
    for path in forged.path(LEDGER).glob("00000003.*"):
        path.unlink()


def _row_rewritten(forged: Forgery) -> None:
    forged.replace(f"{LEDGER}/00000003.json", '"actor":"reporter"', '"actor":"somebody"')


def _row_spaced(forged: Forgery) -> None:
    forged.replace(f"{LEDGER}/00000003.json", '"actor":', '"actor": ')


def _row_with_other_characters(forged: Forgery) -> None:
    forged.replace(f"{LEDGER}/00000003.json", '"actor":"reporter"', '"actor":"the reporter"')


def _row_without_a_time(forged: Forgery) -> None:
    forged.replace(f"{LEDGER}/00000003.json", '"at":"2', '"at":"x')


def _withheld_list_longer(forged: Forgery) -> None:
    path = forged.path("data/custody/details-withheld.txt")
    path.write_text(f"{path.read_text()}00000001\n")


def _yes_before(forged: Forgery) -> None:
    _consent(forged, forged.genuine.yes_before)


def _yes_to_another(forged: Forgery) -> None:
    _consent(forged, forged.genuine.yes_to_another)


def _consent(forged: Forgery, signed: tuple[bytes, bytes]) -> None:
    forged.path("data/consent/consent.json").write_bytes(signed[0])
    forged.path("data/consent/consent.sig").write_bytes(signed[1])


def _recipient_renamed(forged: Forgery) -> None:
    forged.bag_info("Recipient", "Another police")
    receipt = "data/certificates/handover-receipt.txt"
    forged.replace(receipt, "Example police", "Another police")
    _detail("package:built", "recipient", "Another police")(forged)


def _consents_are_alike_but_for_the_act(forged: Forgery) -> None:
    _yes_before(forged)
    until = json.loads(forged.genuine.yes_before[0])["expires_at"][:10]
    lines = forged.path("bag-info.txt").read_text().splitlines()
    dated = [f"{line[:-10]}{until}" if line.startswith("Legal-Basis") else line for line in lines]
    forged.path("bag-info.txt").write_text("".join(f"{line}\n" for line in dated))


def _two_originals(forged: Forgery) -> None:
    folder = forged.path("data/exhibits/E0001")
    shutil.copy(folder / "original.jpg", folder / "original.png")


def _original_under_another_name(forged: Forgery) -> None:
    folder = forged.path("data/exhibits/E0001")
    (folder / "original.jpg").rename(folder / "picture.jpg")


def _other_md5(forged: Forgery) -> None:
    path = forged.path("data/exhibits/E0001/exhibit.json")
    record = json.loads(path.read_bytes()) | {"md5": "0" * 32}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))


def _no_ledger_key(forged: Forgery) -> None:
    forged.path("data/custody/log-key.pem").write_text("garbage")


def _checkpoint_body_changed(forged: Forgery) -> None:
    forged.replace("data/custody/checkpoint.body", "test.example", "fake.example")


def _proof_too_long(forged: Forgery) -> None:
    path = forged.path("data/custody/newest.tlog-proof")
    proof, note = path.read_text().split("\n\n", maxsplit=1)
    siblings = f"\n{'A' * 43}=" * 40
    path.write_text(f"{proof}{siblings}\n\n{note}")


def _proof_with_words(forged: Forgery) -> None:
    path = forged.path("data/custody/newest.tlog-proof")
    path.write_text(f"{path.read_text()}more\n")


@pytest.mark.parametrize(
    ("attack", "layer"),
    [
        (_row_left_out, "custody record (act 3 is missing)"),
        (_row_rewritten, "custody record (an act does not follow the one before it)"),
        (_row_spaced, "custody record (data/custody/ledger/00000003.json is not act 3)"),
        (_row_with_other_characters, "custody record (data/custody/ledger/00000003.json)"),
        (_row_without_a_time, "custody record (data/custody/ledger/00000003.json: its time)"),
        (_withheld_list_longer, "withheld details (details-withheld.txt"),
        (_consents_are_alike_but_for_the_act, "consent (not the one that was recorded)"),
        (_yes_to_another, "consent (to another partner)"),
        (_two_originals, "exhibits (data/exhibits/E0001 does not hold one original)"),
        (_original_under_another_name, "files (no package has a file data/exhibits/E0001/picture"),
        (_other_md5, "exhibits (data/exhibits/E0001/exhibit.json does not agree with the record"),
        (_no_ledger_key, "checkpoint (log-key.pem cannot be read)"),
        (_checkpoint_body_changed, "checkpoint (not signed by the ledger's key)"),
        (_proof_too_long, "inclusion proof (too long)"),
        (_proof_with_words, "inclusion proof (not under this checkpoint)"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_with_package_and_tsa_key_the_record_still_tells(
    forged: Forgery, attack: Callable[[Forgery], None], layer: str
) -> None:
    attack(forged)
    forged.sign()
    done = forged.verified()
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith(f"NOT VALID. Layer: {layer}"), done.stdout


def _nothing(row: dict[str, Any]) -> None:
    """The rows stay as they are; only details are changed."""


def _detail(act: str, key: str, value: Any) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        path = forged.path(f"{LEDGER}/{forged.numbers(act)[-1]:08d}.detail")
        text = path.read_bytes().decode()
        detail = json.loads(text[32:]) | {key: value}
        written = json.dumps(detail, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        path.write_text(f"{text[:32]}{written}")

    change.__name__ = f"{act}_{key}"
    return change


@pytest.mark.parametrize(
    ("attack", "layer"),
    [
        (_detail("package:built", "referral", "F-000000000000"), "referral (the act of packing is"),
        (_detail("referral:prepared", "partner", "P-000000000000"), "referral (prepared for"),
        (_detail("referral:prepared", "public_key", "age1x"), "referral (prepared for another key"),
        (_detail("referral:approved", "partner", "P-000000000000"), "referral (approved for"),
        (_detail("referral:approved", "case", "C-000000000000"), "referral (bag-info.txt does"),
        (_detail("consent:answered", "partner", "P-000000000000"), "consent (recorded for"),
        (_detail("report:started", "signing_key", "00"), "reporter's signature (the first act"),
        (_recipient_renamed, "consent (to a partner of another name)"),
        (
            _detail("referral:prepared", "items", []),
            "exhibits (data/exhibits/E0001/original.jpg is",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_even_with_the_ledgers_key_the_acts_must_agree_with_each_other(
    forged: Forgery, genuine: Genuine, attack: Callable[[Forgery], None], layer: str
) -> None:
    """Nothing behind the first reporter's act can be re-linked without breaking a signature: the
    layers that come before are named first."""
    attack(forged)
    key = checkpoints.private_key(genuine.keys / "checkpoint.key")
    forged.rewrite_ledger(_nothing, key=key)
    forged.sign()
    done = forged.verified()
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith(f"NOT VALID. Layer: {layer}"), done.stdout


@pytest.mark.parametrize("act", ["referral:prepared", "referral:approved"])
def test_a_referral_that_nobody_prepared_or_approved_is_none(
    forged: Forgery, genuine: Genuine, act: str
) -> None:
    def renamed(row: dict[str, Any]) -> None:
        if row["event"] == act:
            row["event"] = "referral:answered"

    key = checkpoints.private_key(genuine.keys / "checkpoint.key")
    forged.rewrite_ledger(renamed, key=key)
    forged.sign()
    assert f"Layer: referral (nobody {act.removeprefix('referral:')} it)" in (
        forged.verified().stdout
    )


def test_acts_that_go_back_in_time_are_no_record(forged: Forgery, genuine: Genuine) -> None:
    def older(row: dict[str, Any]) -> None:
        if row["seq"] == 3:
            row["at"] = f"2020{row['at'][4:]}"

    key = checkpoints.private_key(genuine.keys / "checkpoint.key")
    forged.rewrite_ledger(older, key=key)
    forged.sign()
    assert "Layer: custody record (an act is older than the one before it)" in (
        forged.verified().stdout
    )


@pytest.fixture
def on_an_order(genuine: Genuine, tmp_path: Path) -> Forgery:
    return Forgery(dataclasses.replace(genuine, folder=genuine.ordered), tmp_path / "ordered")


def test_a_consent_beside_an_order_is_not_its_basis(on_an_order: Forgery) -> None:
    shutil.copytree(on_an_order.genuine.other / "data/consent", on_an_order.path("data/consent"))
    on_an_order.sign()
    assert "Layer: consent (it is not the basis" in on_an_order.verified().stdout


def test_an_order_of_other_words_is_found(on_an_order: Forgery) -> None:
    on_an_order.replace("bag-info.txt", "of 2026", "of 2025")
    on_an_order.sign()
    assert "Layer: referral (bag-info.txt does not say" in on_an_order.verified().stdout


def test_the_package_needs_no_environment(forged: Forgery) -> None:
    done = forged.verified(environment={"PATH": os.defpath})
    assert done.returncode == 0, done.stdout + done.stderr
