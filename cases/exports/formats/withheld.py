"""case/withheld.json: what was left out, why, and the hash by which the ledger commits to it.

One entry a line, in RFC 8785 JSON: verify.sh compares each commitment with the record, and the
entries with the details that are not there.
"""

from __future__ import annotations

import rfc8785

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    entries = [rfc8785.dumps(withheld.to_record()).decode() for withheld in material.withheld]
    listed = "".join(f"{entry},\n" for entry in entries).removesuffix(",\n")
    ended = f"{listed}\n" if listed else ""
    bag.payload("case/withheld.json", f'{{"withheld":[\n{ended}]}}\n'.encode())
