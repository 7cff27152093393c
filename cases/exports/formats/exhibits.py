"""exhibits/: each original byte for byte, hashed again while it is written, and a JSON record of
its hashes, size and origin. verify.sh makes the record anew from the acts and compares."""

from __future__ import annotations

import json
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
            "received_utc": _times("evidence:acquired", exhibit, material)[0],
            "how_received": exhibit.facts.how,
            # Some courts ask whether anybody saw a file before the police did.
            "looked_at_by_the_office_utc": _times("evidence:revealed", exhibit, material),
            "released_from_quarantine_utc": _times("quarantine:released", exhibit, material),
            "answers_about_ages": _answers_about(exhibit, material),
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
        "file_group": row.group_id or "",
        "vault_object": row.vault_name,
        "ciphertext_size": row.ciphertext_size,
        "ciphertext_sha256": row.ciphertext_sha256,
    }


def _times(act: str, exhibit: Exhibit, material: Material) -> list[str]:
    """When an act about it was recorded (UTC), oldest first, as the acts write it."""
    return [
        str(row["at"])
        for event in material.events
        if (row := json.loads(event.canonical))["event"] == act
        and row["object"] == exhibit.entry.id
    ]


def _answers_about(exhibit: Exhibit, material: Material) -> list[str]:
    """The ids of every answer about the ages of who is shown; its words and time stand in the
    statement."""
    group = exhibit.entry.row.group_id if exhibit.entry.row else None
    return [
        str(act["object"])
        for event in material.events
        if (act := json.loads(event.canonical))["event"] == "answer:saved"
        and not event.withheld
        and group
        and unsalted(event.revealed)["group"] == group
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
