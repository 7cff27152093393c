"""README-VERIFY.txt and a copy of verify.sh at the top of the package."""

from __future__ import annotations

from pathlib import Path

from django.template.loader import render_to_string

from cases.certificates import KINDS
from cases.exports.bag import Bag
from cases.exports.material import Material

SCRIPT = Path(__file__).resolve().parent.parent / "verify.sh"


def write(bag: Bag, material: Material) -> None:
    context = {"material": material, "purpose": KINDS["package"].purpose.dotted_string}
    bag.tag("README-VERIFY.txt", render_to_string("package/README-VERIFY.txt", context).encode())
    bag.tag("verify.sh", SCRIPT.read_bytes())
