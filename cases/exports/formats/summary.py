"""SUMMARY.pdf: one page, first in the package, for an officer with two minutes."""

from __future__ import annotations

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material
from reporting import harms


def write(bag: Bag, material: Material) -> None:
    terms = [harms.BY_CODE[code].term for code in material.harms if code in harms.BY_CODE]
    answered = [said for said in material.statement if said.lines]
    first_words = next((said.lines[0] for said in answered if said.key == "words"), "")
    context = {
        "material": material,
        "terms": terms,
        "words": first_words,
        "latest": {said.key: said.lines[0] for said in answered},
        "added": any(said.later for said in material.statement),
    }
    bag.tag("SUMMARY.pdf", pdf.render("package/summary.html", context))
