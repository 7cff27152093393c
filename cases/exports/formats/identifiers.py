"""identifiers.csv: links and accounts as the reporter typed them, in the spelling of `table` and
`readable`. verify.sh makes the file anew from the acts by which they came in and compares."""

from __future__ import annotations

from cases.exports.bag import Bag
from cases.exports.formats.table import csv
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    rows = [[entry.kind, entry.text, entry.item] for entry in material.identifiers]
    bag.payload("identifiers.csv", csv(["type", "as typed", "item"], rows))
