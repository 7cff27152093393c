"""timeline.csv: the custody events of the report and its evidence, one a row; times are UTC by the
database's clock."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats.table import csv
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    rows = []
    for event in material.events:
        act = json.loads(event.canonical)
        about = "" if act["object"] == act["subject"] else act["object"]
        source = f"ledger/{event.number:08d}.json"
        rows.append([act["at"], act["event"], act["actor"], act["door"], about, source])
    bag.payload("timeline.csv", csv(["utc", "act", "by", "door", "about", "source"], rows))
