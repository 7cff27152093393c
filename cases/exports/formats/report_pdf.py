"""reports/report.pdf: the same facts for a person, written last so that it can state the exhibits' hashes."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material
from cases.reports import timeline


def write(bag: Bag, material: Material) -> None:
    rows = [json.loads(event.canonical) for event in material.events]
    acts = [
        {**row, "words": timeline.WORDS[row["event"]], "time": row["at"][:19].replace("T", " ")}
        for row in rows
    ]
    bag.payload(
        "reports/report.pdf",
        pdf.render("package/report.html", {"material": material, "acts": acts}),
    )
