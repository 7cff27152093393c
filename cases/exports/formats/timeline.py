"""timeline.csv: what happened to the report and its evidence, from the custody events; times are the database clock's, UTC."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats.table import csv
from cases.exports.material import Material
from reporting.custody.record import unsalted


def write(bag: Bag, material: Material) -> None:
    rows = []
    for event in material.events:
        row = json.loads(event.canonical)
        item = "" if event.withheld else str(unsalted(event.revealed).get("item", ""))
        rows.append(
            [
                row["at"],
                row["event"],
                row["actor"],
                row["door"],
                item,
                f"ledger/{event.number:08d}.json",
            ]
        )
    bag.payload("timeline.csv", csv(["utc", "act", "by", "door", "item", "source"], rows))
