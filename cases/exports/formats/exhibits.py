"""exhibits/: each original byte for byte, hashed again while it is written, and a JSON record of
its hashes, size and origin."""

from __future__ import annotations

import json
import mimetypes
from functools import partial

from cases.exports.bag import Bag
from cases.exports.material import Exhibit, Material
from reporting import evidence
from reporting.custody.record import unsalted
from reporting.vault.digests import Digests


def write(bag: Bag, material: Material) -> None:
    """Raises evidence.HashMismatch if an original is not what was received."""
    for exhibit in material.exhibits:
        known = _known_digests(exhibit, material)
        open_original = partial(evidence.open_sealed, exhibit.entry, material.secret)
        written = bag.stream(exhibit.path, open_original, known)
        guessed_type = mimetypes.guess_type(exhibit.facts.file_name)[0]
        record = {
            "exhibit": exhibit.number,
            "item": exhibit.entry.id,
            "original_name": exhibit.facts.file_name,
            "size": written.size,
            "md5": written.digests.md5,
            "sha1": written.digests.sha1,
            "sha256": written.digests.sha256,
            "sha512": written.digests.sha512,
            "sha256_at_receipt": exhibit.facts.sha256,
            "received_utc": _received(exhibit, material),
            "how_received": exhibit.facts.how,
            "media_type_by_name": guessed_type or "application/octet-stream",
            "looked_at_by_the_office_utc": _looks(exhibit, material),
            "ages": exhibit.ages,
            **_stored(exhibit),
        }
        bag.payload(
            f"exhibits/{exhibit.number}/exhibit.json",
            json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode(),
        )


def _stored(exhibit: Exhibit) -> dict[str, object]:
    """The columns over which the act's object_sha256 is taken (custody/README.md)."""
    row = exhibit.entry.row
    assert row is not None
    return {
        "person": row.person_id,
        "file_group": row.group_id,
        "vault_object": row.vault_name,
        "ciphertext_size": row.ciphertext_size,
        "ciphertext_sha256": row.ciphertext_sha256,
    }


def _received(exhibit: Exhibit, material: Material) -> str:
    """When it came in, as its act writes it: verify.sh compares the two."""
    acts = (json.loads(event.canonical) for event in material.events)
    kept = (act for act in acts if act["event"] == "evidence:acquired")
    return next((str(act["at"]) for act in kept if act["object"] == exhibit.entry.id), "")


def _looks(exhibit: Exhibit, material: Material) -> list[str]:
    """When staff looked at it (ISO 8601, UTC): some courts ask whether anybody saw a file before
    the police did."""
    acts = [json.loads(event.canonical) for event in material.events]
    return [
        act["at"]
        for act in acts
        if act["event"] == "evidence:revealed" and act["object"] == exhibit.entry.id
    ]


def _known_digests(exhibit: Exhibit, material: Material) -> Digests | None:
    """What the worker took when it verified the item after sending; None for older items."""
    for event in material.events:
        act = json.loads(event.canonical)
        if act["event"] != "evidence:verified":
            continue
        if act["object"] != exhibit.entry.id or event.withheld:
            continue
        detail = unsalted(event.revealed)
        if "sha512" in detail:
            return Digests(
                md5=detail["md5"],
                sha1=detail["sha1"],
                sha256=exhibit.facts.sha256,
                sha512=detail["sha512"],
            )
    return None
