"""README-VERIFY.txt and verify.sh at the top of the package."""

from __future__ import annotations

from pathlib import Path

from django.template.loader import render_to_string

from cases.exports.bag import Bag
from cases.exports.material import Material

SCRIPT = Path(__file__).resolve().parent.parent / "verify.sh"


def write(bag: Bag, material: Material) -> None:
    bag.tag(
        "README-VERIFY.txt",
        render_to_string("package/README-VERIFY.txt", {"material": material}).encode(),
    )
    bag.tag("verify.sh", SCRIPT.read_bytes())
