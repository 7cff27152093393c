"""README-VERIFY.txt and a copy of verify.sh at the top of the package. The text is the same in
every package, and verify.sh knows its hash."""

from __future__ import annotations

from pathlib import Path

from cases.exports.bag import Bag
from cases.exports.material import Material

_FOLDER = Path(__file__).resolve().parent.parent
SCRIPT = _FOLDER / "verify.sh"
README = _FOLDER / "README-VERIFY.txt"


def write(bag: Bag, material: Material) -> None:
    for path in (README, SCRIPT):
        bag.tag(path.name, path.read_bytes())
