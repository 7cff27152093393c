"""reports/report.pdf: the package's facts for a person. Written last: by then each exhibit was read
and found equal to the hash that the report states."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material
from reporting import acts as acts_known


def write(bag: Bag, material: Material) -> None:
    acts = []
    for event in material.events:
        act = json.loads(event.canonical)
        time = act["at"][:19].replace("T", " ")
        acts.append({**act, "words": acts_known.words(act["event"]), "time": time})
    bag.payload(
        "reports/report.pdf",
        pdf.render("package/report.html", {"material": material, "acts": acts}),
    )
