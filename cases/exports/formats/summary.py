"""SUMMARY.pdf: one page, first in the package, for an officer with two minutes."""

from __future__ import annotations

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material
from reporting import harms


def write(bag: Bag, material: Material) -> None:
    terms = [
        harms.BY_CODE[one.reported_type].term
        for one in material.incidents
        if one.reported_type in harms.BY_CODE
    ]
    latest = {said.key: said.lines[0] for said in material.statement if said.lines}
    words = next(
        (said.lines[0] for said in material.statement if said.key == "words" and said.lines), ""
    )
    context = {"material": material, "terms": terms, "words": words, "latest": latest}
    context["added"] = any(said.later for said in material.statement)
    bag.tag("SUMMARY.pdf", pdf.render("package/summary.html", context))
