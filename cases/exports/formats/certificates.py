"""certificates/: the hand-over receipt, and a draft of a qualified person's hash certificate. Both
have blanks that people fill in by hand; verify.sh makes the rest anew and compares."""

from __future__ import annotations

from django.template.loader import render_to_string

from cases.exports.bag import Bag
from cases.exports.info import info
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    context = {
        "material": material,
        "info": {name.replace("-", "_"): value for name, value in info(material).items()},
    }
    for name in ("handover-receipt.txt", "hash-certificate.txt"):
        bag.payload(f"certificates/{name}", render_to_string(f"package/{name}", context).encode())
