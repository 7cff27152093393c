"""timeline.csv: what happened to the report and its evidence, from the custody events; times are the database clock's, UTC."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats.table import csv
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    rows = []
    for event in material.events:
        row = json.loads(event.canonical)
        detail = json.loads(event.revealed[32:])
        rows.append(
            [row["at"], row["event"], row["actor"], row["door"], str(detail.get("item", "")), f"ledger/{event.number:08d}.json"]
        )
    bag.payload("timeline.csv", csv(["utc", "act", "by", "door", "item", "source"], rows))
