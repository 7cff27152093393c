"""Everything a package is made of, gathered once; each format reads it and writes its own files.

Data minimisation lives here: what is not in Material cannot get into any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.models import Referral
from cases.reports.reading import Said
from reporting.models import EvidenceItem, Incident, Report
from reporting.vault.keys import Secret

# Asked for her safety or for our triage, not for a partner: said as withheld, with the commitment the ledger holds.
WITHHELD_ANSWERS = {
    "safe": "asked for safety at the time of reporting",
    "control": "asked for safety at the time of reporting",
    "contact": "the reporter is reached through this office only",
    "wish": "wishes toward this office",
    "show_again": "a setting of the reporter's own view",
}


# Details of acts that no partner gets; the act itself stays in the chain, with the hash of its detail.
WITHHELD_DETAILS = {
    "report:banded": "how the office sorts its work",
    "report:band_changed": "how the office sorts its work",
    "report:declined": "between the office and the reporter",
    "report:out_of_scope": "between the office and the reporter",
    "quarantine:proposed": "about a locked file",
}


@dataclass(frozen=True)
class Exhibit:
    """A file that goes with the package. `number` is E0001 and so on."""

    number: str
    item: EvidenceItem
    facts: dict[str, Any]

    @property
    def path(self) -> str:
        return f"exhibits/{self.number}/original{self.suffix}"

    @property
    def suffix(self) -> str:
        """The ending of her file name when it is a plain one: names in a package are ASCII of our own making."""
        ending = self.facts["file_name"].rpartition(".")[2].lower()
        return (
            f".{ending}"
            if ending.isascii() and ending.isalnum() and 1 <= len(ending) <= 5
            else ".bin"
        )


@dataclass(frozen=True)
class Identifier:
    kind: str
    text: str
    item: str


@dataclass(frozen=True)
class Event:
    """One custody event of the report's chain, with its place in the tree and its detail opened, or why it is withheld."""

    number: int
    canonical: str
    revealed: bytes
    withheld: str
    tree_index: int
    proof: list[bytes]


@dataclass(frozen=True)
class Material:
    name: str
    operator: str
    referral: Referral
    report: Report
    secret: Secret
    said: list[Said]
    incidents: list[Incident]
    exhibits: list[Exhibit]
    identifiers: list[Identifier]
    withheld: list[dict[str, str]]
    events: list[Event]
    checkpoint: str
    checkpoint_key: bytes
    ca_fingerprint: str
    basis: str
    signing_key: bytes
    built_at: datetime

    @property
    def statement(self) -> list[Said]:
        return [said for said in self.said if said.key not in WITHHELD_ANSWERS]
