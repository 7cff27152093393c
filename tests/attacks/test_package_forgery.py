"""Somebody holds the package key and the TSA key (a stolen worker): what they make up is found.

Each attack signs the package again, so that the seal and the stamp hold; the layer that notices is
the one that compares the package with the record, or with what the reporter signed.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable

import pytest

from tests.attacks.forgery import LEDGER, Forgery

# The mark makes a database for the run; an attack itself touches none.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


def _answer(forged: Forgery) -> None:
    (path,) = (
        path
        for path in forged.path("data/statement/answers").iterdir()
        if "by Friday or they" in path.read_text()
    )
    path.write_text(path.read_text().replace("They want", "John Smith wants"))


def _statement_for_people(forged: Forgery) -> None:
    forged.replace("data/statement/statement.txt", "They want", "John Smith wants")


def _answer_left_out(forged: Forgery) -> None:
    (path, *_rest) = sorted(forged.path("data/statement/answers").iterdir())
    path.unlink()


def _answer_back_dated(forged: Forgery) -> None:
    forged.replace("data/statement/statement.json", '"at":"2', '"at":"1')


def _file_beside_the_statement(forged: Forgery) -> None:
    forged.path("data/statement/answers/A-000000000000.json").write_text("{}")


def _timeline(forged: Forgery) -> None:
    forged.replace("data/timeline.csv", "evidence:revealed", "evidence:verified")


def _last_three_acts_cut(forged: Forgery) -> None:
    forged.cut_after(len(forged.rows()) - 3)


def _all_but_the_first_act_cut(forged: Forgery) -> None:
    shutil.rmtree(forged.path("data/consent"))
    forged.cut_after(1)


def _custody_of_another_report(forged: Forgery) -> None:
    shutil.rmtree(forged.path("data/custody"))
    shutil.rmtree(forged.path("data/consent"))
    shutil.copytree(forged.genuine.other / "data/custody", forged.path("data/custody"))
    shutil.copy(forged.genuine.other / "data/case/withheld.json", forged.path("data/case"))


def _files_of_one_report_with_the_record_of_another(forged: Forgery) -> None:
    _custody_of_another_report(forged)
    shutil.copytree(forged.genuine.other / "data/consent", forged.path("data/consent"))
    shutil.copy(forged.genuine.other / "bag-info.txt", forged.folder)


def _their_words_too(forged: Forgery) -> None:
    _files_of_one_report_with_the_record_of_another(forged)
    shutil.rmtree(forged.path("data/statement"))
    for name in ("data/statement", "data/timeline.csv", "data/identifiers.csv"):
        source = forged.genuine.other / name
        if source.is_dir():
            shutil.copytree(source, forged.path(name))
        else:
            shutil.copy(source, forged.path(name))


def _one_row_of_another_report(forged: Forgery) -> None:
    name = f"{LEDGER}/00000003.json"
    shutil.copy(forged.genuine.other / name, forged.path(name))


def _consent_replaced_by_the_signed_no(forged: Forgery) -> None:
    statement, signature = forged.genuine.no
    forged.path("data/consent/consent.json").write_bytes(statement)
    forged.path("data/consent/consent.sig").write_bytes(signature)


def _consent_removed(forged: Forgery) -> None:
    shutil.rmtree(forged.path("data/consent"))


def _consent_of_another_report(forged: Forgery) -> None:
    shutil.rmtree(forged.path("data/consent"))
    shutil.copytree(forged.genuine.other / "data/consent", forged.path("data/consent"))


def _consent_answered_anew(forged: Forgery) -> None:
    """The record goes on: the reporter said no, which the thief would rather leave out."""
    log = forged.path(LEDGER)
    known = len(forged.rows())
    for number, act in enumerate(forged.genuine.later, start=1):
        if number > known:
            (log / f"{number:08d}.json").write_text(act.canonical)
            (log / f"{number:08d}.detail").write_bytes(act.plain)
    newest = forged.genuine.later[-1].proof
    forged.path("data/custody/newest.tlog-proof").write_text(newest)
    note = newest.partition("\n\n")[2]
    forged.path("data/custody/checkpoint.txt").write_text(note)
    body, _, signed = note.rpartition("\n\n")
    forged.path("data/custody/checkpoint.body").write_text(f"{body}\n")
    signature = base64.b64decode(signed.split()[2])[4:]
    forged.path("data/custody/checkpoint.sig").write_bytes(signature)


def _key_beside_the_consent(forged: Forgery) -> None:
    pem = forged.path("data/custody/log-key.pem").read_bytes()
    forged.path("data/consent/key.pem").write_bytes(pem)


def _details_withheld(forged: Forgery, *, say_so: bool) -> None:
    for path in sorted(forged.path(LEDGER).glob("*.detail")):
        if path.stem != "00000001":
            forged.withhold(int(path.stem), say_so=say_so)


def _details_withheld_without_reason(forged: Forgery) -> None:
    _details_withheld(forged, say_so=False)


def _details_withheld_with_reasons(forged: Forgery) -> None:
    _details_withheld(forged, say_so=True)


def _details_withheld_unnamed(forged: Forgery) -> None:
    number = forged.numbers("evidence:revealed")[0]
    forged.path(f"{LEDGER}/{number:08d}.detail").unlink()


def _first_act_withheld(forged: Forgery) -> None:
    forged.withhold(1, say_so=True)


def _consent_act_withheld(forged: Forgery) -> None:
    forged.withhold(forged.numbers("consent:answered")[-1], say_so=True)


def _act_of_an_exhibit_withheld(forged: Forgery) -> None:
    item = json.loads(forged.path("data/exhibits/E0001/exhibit.json").read_bytes())["item"]
    came_in = [row["seq"] for row in forged.rows() if row["object"] == item]
    forged.withhold(came_in[0], say_so=True)


def _detail_swapped(forged: Forgery) -> None:
    first, second = sorted(forged.path(LEDGER).glob("*.detail"))[1:3]
    shutil.copy(first, second)


def _row_with_more_behind_it(forged: Forgery) -> None:
    path = forged.path(f"{LEDGER}/00000003.json")
    path.write_bytes(path.read_bytes() + b"\nmore")


def _file_beside_the_ledger(forged: Forgery) -> None:
    forged.path(f"{LEDGER}/00000003.note").write_text("planted")


def _proof_garbage(forged: Forgery) -> None:
    forged.path("data/custody/newest.tlog-proof").write_text("garbage")


def _checkpoint_garbage(forged: Forgery) -> None:
    forged.path("data/custody/checkpoint.txt").write_text("garbage")


def _words_behind_the_checkpoint(forged: Forgery) -> None:
    path = forged.path("data/custody/checkpoint.txt")
    path.write_text(f"{path.read_text()}time 2020-01-01T00:00:00+00:00\n")


def _checkpoint_of_another_package(forged: Forgery) -> None:
    for name in ("checkpoint.txt", "checkpoint.body", "checkpoint.sig", "newest.tlog-proof"):
        shutil.copy(forged.genuine.other / f"data/custody/{name}", forged.path("data/custody"))


@pytest.mark.parametrize(
    ("attack", "layer"),
    [
        (_answer, "statement (data/statement/answers/A-"),
        (_statement_for_people, "statement (statement.txt"),
        (_answer_left_out, "statement (statement.json"),
        (_answer_back_dated, "statement (statement.json"),
        (_file_beside_the_statement, "statement (files beside it)"),
        (_timeline, "timeline"),
        (_last_three_acts_cut, "referral (no act of packing"),
        (_all_but_the_first_act_cut, "withheld things (case/withheld.json names what is not"),
        (_custody_of_another_report, "referral (no act of packing"),
        (_files_of_one_report_with_the_record_of_another, "statement"),
        (_their_words_too, "exhibits"),
        (_one_row_of_another_report, "custody record (data/custody/ledger/00000003.json is of"),
        (_consent_replaced_by_the_signed_no, "consent (it is not a yes)"),
        (_consent_removed, "consent (it is the basis and is missing)"),
        (_consent_of_another_report, "consent (not signed by the reporter's key)"),
        (_consent_answered_anew, "consent (answered anew later"),
        (_key_beside_the_consent, "consent (key.pem"),
        (_details_withheld_without_reason, "withheld details (case/withheld.json"),
        (_details_withheld_with_reasons, "referral ("),
        (_details_withheld_unnamed, "withheld details"),
        (_first_act_withheld, "reporter's signature (the first act is withheld)"),
        (_consent_act_withheld, "consent (no act recorded it)"),
        (_act_of_an_exhibit_withheld, "exhibits (data/exhibits/E0001/original.jpg: no act"),
        (_detail_swapped, "custody record (data/custody/ledger/00000"),
        (_row_with_more_behind_it, "custody record (bytes beside the acts)"),
        (
            _file_beside_the_ledger,
            "files (no package has a file data/custody/ledger/00000003.note)",
        ),
        (_proof_garbage, "inclusion proof"),
        (_checkpoint_garbage, "checkpoint (checkpoint.txt"),
        (_words_behind_the_checkpoint, "checkpoint (checkpoint.txt holds something else"),
        (_checkpoint_of_another_package, "inclusion proof (the newest act"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_whoever_holds_package_and_tsa_key_cannot_forge(
    forged: Forgery, attack: Callable[[Forgery], None], layer: str
) -> None:
    attack(forged)
    forged.sign()
    done = forged.verified()
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith(f"NOT VALID. Layer: {layer}"), done.stdout
