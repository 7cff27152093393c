"""SUMMARY.pdf: one page, first in the package, for an officer with two minutes."""

from __future__ import annotations

from cases.exports.bag import Bag
from cases.exports.formats import pdf
from cases.exports.material import Material
from reporting import harms


def write(bag: Bag, material: Material) -> None:
    terms = [harms.BY_CODE[one.reported_type].term for one in material.incidents if one.reported_type in harms.BY_CODE]
    words = next((said.lines[0] for said in material.statement if said.key == "words" and said.lines), "")
    age = next((said.lines[0] for said in material.statement if said.key == "age" and said.lines), "not said")
    deadline = next((said.lines[0] for said in material.statement if said.key == "deadline" and said.lines), "")
    context = {"material": material, "terms": terms, "words": words, "age": age, "deadline": deadline}
    bag.tag("SUMMARY.pdf", pdf.render("package/summary.html", context))
