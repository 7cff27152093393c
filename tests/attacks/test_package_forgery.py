"""Somebody holds the package key and the TSA key (a stolen worker): what they make up is found.

Each attack signs the package again, so that the seal and the stamp hold; the layer that notices is
the one that compares the package with the record, or with what the reporter signed.
"""

from __future__ import annotations

import base64
import hashlib
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

_FORGED = b"forged exhibit"


def _exhibit(forged: Forgery) -> None:
    forged.path("data/exhibits/E0001/original.jpg").write_bytes(_FORGED)


def _exhibit_with_its_hashes(forged: Forgery) -> None:
    _exhibit(forged)
    path = forged.path("data/exhibits/E0001/exhibit.json")
    record = json.loads(path.read_bytes())
    for name in ("md5", "sha1", "sha256", "sha512"):
        record[name] = hashlib.new(name, _FORGED).hexdigest()
    record |= {"size": len(_FORGED), "sha256_at_receipt": record["sha256"]}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))


def _exhibit_fact(name: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        path = forged.path("data/exhibits/E0001/exhibit.json")
        record = json.loads(path.read_bytes())
        value = record[name]
        record[name] = (
            [] if isinstance(value, list) else value + 1 if name == "size" else f"{value}0"
        )
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))

    change.__name__ = f"exhibit_{name}"
    return change


def _exhibit_with_a_fact_twice(forged: Forgery) -> None:
    line = ' "received_utc": "2020-01-01T00:00:00.000000Z",\n'
    forged.replace("data/exhibits/E0001/exhibit.json", ' "sha1"', f'{line} "sha1"')


def _exhibit_without_a_fact(forged: Forgery) -> None:
    path = forged.path("data/exhibits/E0001/exhibit.json")
    record = json.loads(path.read_bytes())
    del record["md5"]
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))


def _exhibit_on_one_line(forged: Forgery) -> None:
    path = forged.path("data/exhibits/E0001/exhibit.json")
    path.write_text(json.dumps(json.loads(path.read_bytes())))


def _second_exhibit_from_nowhere(forged: Forgery) -> None:
    shutil.copytree(forged.path("data/exhibits/E0001"), forged.path("data/exhibits/E0002"))


def _file_beside_the_exhibits(forged: Forgery) -> None:
    forged.path("data/exhibits/note.txt").write_text("planted")


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


def _innocent_account(forged: Forgery) -> None:
    forged.replace("data/identifiers.csv", "@bad.guy", "@innocent.person")


def _account_from_nowhere(forged: Forgery) -> None:
    path = forged.path("data/identifiers.csv")
    path.write_bytes(path.read_bytes() + b"account,john.smith,E-000000000000\r\n")


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


def _bag_info(name: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        forged.bag_info(name, "Another")

    change.__name__ = f"bag_info_{name}"
    return change


def _bag_info_folded(forged: Forgery) -> None:
    """RFC 8493: a line that begins with a space continues the one before it."""
    forged.replace("bag-info.txt", "\nRecipient-Id", "\n  and another one\nRecipient-Id")


def _bag_info_with_a_field(forged: Forgery) -> None:
    forged.replace("bag-info.txt", "Legal-Basis", "Contact-Name: Another\nLegal-Basis")


def _other_words_of_the_legal_basis(forged: Forgery) -> None:
    forged.replace("bag-info.txt", "of the reporter", "of everybody")


def _instead_of(name: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        assert forged.path(name).exists()
        forged.path(name).write_bytes(b"Somebody innocent did it.\n")

    change.__name__ = f"instead_of_{name}"
    return change


def _beside(name: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        forged.path(name).write_bytes(b"Somebody innocent did it.\n")

    change.__name__ = f"beside_{name}"
    return change


def _account(shown: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        forged.replace("data/identifiers.csv", "@bad.guy", shown)

    change.__name__ = f"account_{shown.encode('ascii', 'backslashreplace').decode()}"
    return change


def _account_left_out(forged: Forgery) -> None:
    lines = forged.path("data/identifiers.csv").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b"@bad.guy" not in line]
    forged.path("data/identifiers.csv").write_bytes(b"".join(kept))


def _account_left_out_as_withheld(forged: Forgery) -> None:
    """Named as withheld, but with the hash of nothing."""
    _account_left_out(forged)
    (item,) = (row["object"] for row in forged.rows() if row["event"] == "evidence:verified")
    _withheld(f"account {item}", f"object_sha256 {'0' * 64}")(forged)


def _withheld(what: str, commitment: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        record = json.loads(forged.path("data/case/withheld.json").read_bytes())
        entry = {"what": what, "why": "not part of this referral", "commitment": commitment}
        forged.write_withheld([entry, *record["withheld"]])

    change.__name__ = f"withheld_{what}"
    return change


def _withheld_with_a_byte(forged: Forgery) -> None:
    path = forged.path("data/case/withheld.json")
    path.write_bytes(path.read_bytes() + b" ")


def _withheld_with_a_field(forged: Forgery) -> None:
    forged.replace("data/case/withheld.json", '"what":"detail', '"how":"x","what":"detail')


def _withheld_answer_denied(forged: Forgery) -> None:
    (answer, *_rest) = (row["object"] for row in forged.rows() if row["event"] == "answer:saved")
    _withheld(f"answer {answer} to: Anything?", "none: no act is about it")(forged)


def _exhibit_left_out(forged: Forgery) -> None:
    shutil.rmtree(forged.path("data/exhibits/E0001"))


def _exhibit_twice(forged: Forgery) -> None:
    _second_exhibit_from_nowhere(forged)
    forged.replace("data/exhibits/E0002/exhibit.json", '"E0001"', '"E0002"')


def _exhibit_with_another_fact(forged: Forgery) -> None:
    path = forged.path("data/exhibits/E0001/exhibit.json")
    record = json.loads(path.read_bytes()) | {"ages": "everyone shown is 12"}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))


def _exhibit_released(forged: Forgery) -> None:
    path = forged.path("data/exhibits/E0001/exhibit.json")
    record = json.loads(path.read_bytes())
    record["released_from_quarantine_utc"] = [record["received_utc"]]
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True))


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
    forged.withhold(forged.numbers("evidence:acquired")[0], say_so=True)


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
        (_exhibit_fact("sha512"), "exhibits (data/exhibits/E0001/exhibit.json does not agree"),
        (_exhibit, "exhibits (data/exhibits/E0001/original.jpg is not the file that came in)"),
        (_exhibit_with_its_hashes, "exhibits (data/exhibits/E0001/original.jpg is not the file"),
        (_exhibit_with_another_fact, "exhibits (data/exhibits/E0001/exhibit.json does not agree"),
        (_exhibit_released, "exhibits (data/exhibits/E0001/exhibit.json does not agree"),
        (_exhibit_left_out, "exhibits (E-"),
        (_exhibit_twice, "exhibits (data/exhibits/E0002/original.jpg is there twice)"),
        *(
            (_exhibit_fact(name), "exhibits (data/exhibits/E0001/exhibit.json")
            for name in (
                "answers_about_ages",
                "ciphertext_sha256",
                "ciphertext_size",
                "exhibit",
                "file_group",
                "how_received",
                "looked_at_by_the_office_utc",
                "original_name",
                "person",
                "received_utc",
                "sha256",
                "sha256_at_receipt",
                "size",
                "vault_object",
            )
        ),
        (_exhibit_with_a_fact_twice, "exhibits (data/exhibits/E0001/exhibit.json does not agree"),
        (_exhibit_without_a_fact, "exhibits (data/exhibits/E0001/exhibit.json does not agree"),
        (_exhibit_on_one_line, "exhibits (data/exhibits/E0001/original.jpg"),
        (
            _second_exhibit_from_nowhere,
            "exhibits (data/exhibits/E0002/original.jpg is there twice)",
        ),
        (_file_beside_the_exhibits, "files (no package has a file data/exhibits/note.txt)"),
        (_answer, "statement (data/statement/answers/A-"),
        (_statement_for_people, "statement (statement.txt"),
        (_answer_left_out, "statement (statement.json"),
        (_answer_back_dated, "statement (statement.json"),
        (_file_beside_the_statement, "statement (files beside it)"),
        (_timeline, "timeline"),
        (_innocent_account, "identifiers (identifiers.csv"),
        (_account_from_nowhere, "identifiers (identifiers.csv"),
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
        *(
            (_bag_info(name), "referral (")
            for name in (
                "External-Identifier",
                "Recipient",
                "Recipient-Identifier",
                "Legal-Basis",
                "Export-Profile",
                "Source-Organization",
                "Bagging-Date",
            )
        ),
        (_bag_info_folded, "referral (bag-info.txt does not say what the record says:   and"),
        (
            _bag_info_with_a_field,
            "referral (bag-info.txt does not say what the record says: Contact",
        ),
        (_other_words_of_the_legal_basis, "referral (bag-info.txt does not say what the record"),
        (_instead_of("README-VERIFY.txt"), "tag files (README-VERIFY.txt is not the text"),
        (_instead_of("bagit.txt"), "tag files (bagit.txt)"),
        *(
            (_instead_of(f"data/certificates/{name}"), f"certificates ({name} does not say")
            for name in ("handover-receipt.txt", "hash-certificate.txt")
        ),
        *(
            (_beside(name), f"files (no package has a file {name})")
            for name in ("READ-FIRST.pdf", "data/READ-FIRST.pdf", "data/consent/more.json")
        ),
        *(
            (_account(shown), "identifiers (identifiers.csv does not say what the reporter gave")
            for shown in (
                "bad.guy",
                "@bad.guy ИВАН ПЕТРОВ, ул. Ленина 5\\r",
                "@bad.guy 张伟\\x00",
                "@bad.guy\\uabcd 小明的爸爸",
                "@bad.guy\\U12345678\\u1234\\x41",
            )
        ),
        (_account_left_out, "identifiers (identifiers.csv does not say what the reporter gave"),
        (_account_left_out_as_withheld, "withheld things (case/withheld.json names what is not"),
        (_withheld_with_a_byte, "withheld things (case/withheld.json cannot be read"),
        (_withheld_with_a_field, "withheld things (case/withheld.json cannot be read"),
        (_withheld_answer_denied, "withheld things (case/withheld.json denies an act"),
        (
            _withheld("answer A-000000000000", "act answer:saved about A-000000000000"),
            "withheld things (case/withheld.json names what is not in the record",
        ),
        (
            _withheld("words", "object_sha256 of something"),
            "withheld things (case/withheld.json names what is not in the record",
        ),
        (
            _withheld("detail of act 1 (report:started)", f"detail_hash {'0' * 64}"),
            "withheld details (case/withheld.json",
        ),
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


def test_what_a_package_says_drives_no_terminal(forged: Forgery) -> None:
    forged.replace("data/identifiers.csv", "@bad.guy", "@bad.guy\x1b[2KVALID")
    forged.sign()
    done = forged.verified()
    assert (done.returncode, "\x1b" in done.stdout) == (1, False)
