"""case/withheld.json: what was left out, why, and the hash by which the ledger commits to it."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    record = {"withheld": [withheld.to_record() for withheld in material.withheld]}
    bag.payload(
        "case/withheld.json",
        json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode(),
    )
