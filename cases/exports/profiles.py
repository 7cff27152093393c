"""Which formats a profile holds, in the order they are written. Data minimisation: a format that is
not listed is not built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cases.exports.bag import Bag
from cases.exports.formats import (
    certificates,
    consent,
    custody,
    exhibits,
    identifiers,
    report_pdf,
    statement,
    summary,
    timeline,
    verify,
    withheld,
)
from cases.exports.material import Material


@dataclass(frozen=True)
class Profile:
    name: str
    formats: tuple[Callable[[Bag, Material], None], ...]


PROFILES = {
    "le-full": Profile(
        "le-full",
        (
            summary.write,
            verify.write,
            statement.write,
            consent.write,
            identifiers.write,
            timeline.write,
            exhibits.write,
            withheld.write,
            custody.write,
            certificates.write,
            report_pdf.write,
        ),
    ),
}
