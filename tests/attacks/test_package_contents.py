"""Somebody holds the package key and the TSA key: what a partner reads first is made anew from the
record and compared, so that no word of theirs stands in it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable

import pytest

from reporting.custody import checkpoints
from tests.attacks.forgery import Forgery
from tests.attacks.genuine import Genuine

# The mark makes a database for the run; an attack itself touches none.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

_FORGED = b"forged exhibit"
_PLANTED = b"Somebody innocent did it.\n"


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


def _innocent_account(forged: Forgery) -> None:
    forged.replace("data/identifiers.csv", "@bad.guy", "@innocent.person")


def _account_from_nowhere(forged: Forgery) -> None:
    path = forged.path("data/identifiers.csv")
    path.write_bytes(path.read_bytes() + b"account,john.smith,E-000000000000\r\n")


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
        forged.path(name).write_bytes(_PLANTED)

    change.__name__ = f"instead_of_{name}"
    return change


def _beside(name: str) -> Callable[[Forgery], None]:
    def change(forged: Forgery) -> None:
        forged.path(name).write_bytes(_PLANTED)

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
    item = forged.rows()[forged.numbers("evidence:acquired")[-1] - 1]["object"]
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
    forged.replace("data/case/withheld.json", '"what":"answer', '"how":"x","what":"answer')


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
        (_innocent_account, "identifiers (identifiers.csv"),
        (_account_from_nowhere, "identifiers (identifiers.csv"),
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
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_partner_reads_is_what_the_record_says(
    forged: Forgery, attack: Callable[[Forgery], None], layer: str
) -> None:
    attack(forged)
    forged.sign()
    done = forged.verified()
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith(f"NOT VALID. Layer: {layer}"), done.stdout


@pytest.mark.parametrize(
    ("event", "about"),
    [
        *(("looks:shown", letter) for letter in "RAEK"),
        ("answer:saved", "A"),
        ("evidence:acquired", "E"),
        ("consent:answered", "K"),
        ("report:submitted", "R"),
        ("evidence:taken_out", "E"),
    ],
)
def test_an_act_that_the_reporter_did_not_sign_spoils_nothing(
    forged: Forgery, genuine: Genuine, event: str, about: str
) -> None:
    """Whoever holds the public door can record it, about anything of the report."""
    things = [row["object"] for row in forged.rows() if row["object"].startswith(f"{about}-")]
    key = checkpoints.private_key(genuine.keys / "checkpoint.key")
    for thing in dict.fromkeys(things):
        forged.append_unsigned(event, thing, key=key)
    forged.sign()
    done = forged.verified()
    assert done.returncode == 0, done.stdout
    assert "acts in the reporter's name have no detail here" in done.stdout


def test_what_a_package_says_drives_no_terminal(forged: Forgery) -> None:
    forged.replace("data/identifiers.csv", "@bad.guy", "@bad.guy\x1b[2KVALID")
    forged.sign()
    done = forged.verified()
    assert (done.returncode, "\x1b" in done.stdout) == (1, False)
