"""exhibits/: each original byte for byte, hashed again while it is written, and a JSON record of
its hashes, size and origin."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator

from cases.exports.bag import Bag
from cases.exports.material import Exhibit, Material
from reporting import evidence
from reporting.custody.record import unsalted


def write(bag: Bag, material: Material) -> None:
    """Raises evidence.HashMismatch if an original is not what was received."""
    for exhibit in material.exhibits:
        digests = bag.payload(exhibit.path, _original(exhibit, material))
        guessed_type = mimetypes.guess_type(exhibit.facts["file_name"])[0]
        record = {
            "exhibit": exhibit.number,
            "item": exhibit.item.pk,
            "original_name": exhibit.facts["file_name"],
            "size": digests.size,
            "md5": digests.md5,
            "sha1": digests.sha1,
            "sha256": digests.sha256,
            "sha512": digests.sha512,
            "sha256_at_receipt": exhibit.facts["sha256"],
            "received_utc": exhibit.item.at.isoformat(),
            "how_received": exhibit.facts["how"],
            "media_type_by_name": guessed_type or "application/octet-stream",
            "looked_at_by_the_office_utc": _looks(exhibit, material),
            "ciphertext_sha256": exhibit.item.ciphertext_sha256,
            "ages": "the reporter answered that everyone shown was 18 or over when it was made",
        }
        bag.payload(
            f"exhibits/{exhibit.number}/exhibit.json",
            json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode(),
        )


def _looks(exhibit: Exhibit, material: Material) -> list[str]:
    """When staff looked at it (ISO 8601, UTC): some courts ask whether anybody saw a file before
    the police did."""
    acts = [(json.loads(event.canonical), unsalted(event.revealed)) for event in material.events]
    return [
        act["at"]
        for act, detail in acts
        if act["event"] == "evidence:revealed" and detail["item"] == exhibit.item.pk
    ]


def _original(exhibit: Exhibit, material: Material) -> Iterator[bytes]:
    """The plain bytes. Raises evidence.HashMismatch at their end, before the package is signed."""
    yield from evidence.open_sealed(exhibit.item, material.secret)
