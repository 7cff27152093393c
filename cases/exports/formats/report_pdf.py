"""reports/report.pdf: the same facts for a person, written last so that it can state the exhibits' hashes."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    acts = [json.loads(event.canonical) for event in material.events]
    bag.payload("reports/report.pdf", pdf.render("package/report.html", {"material": material, "acts": acts}))
