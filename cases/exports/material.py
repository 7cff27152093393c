"""Everything a package is made of, gathered once. Each format reads it and writes its own files.

What partners do not get is listed here. Formats use `statement`, which leaves the withheld answers
out; `said` and `secret` hold everything and are not limited by type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.models import Referral
from cases.reports.reading import Said
from reporting.models import EvidenceItem, Incident, Report
from reporting.vault.keys import Secret

# Asked for the reporter's safety or for triage, not for a partner. Named in case/withheld.json with
# the hash by which the ledger commits to them.
WITHHELD_ANSWERS = {
    "safe": "asked for safety at the time of reporting",
    "control": "asked for safety at the time of reporting",
    "contact": "the reporter is reached through this office only",
    "wish": "wishes toward this office",
    "show_again": "a setting of the reporter's own view",
}

# Details of events that no partner gets; the event stays in the chain with the hash of its detail.
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
        """The ending of the original name if it is 1 to 5 ASCII letters or digits, else ".bin". The
        rest of a name in a package is ours."""
        ending = self.facts["file_name"].rpartition(".")[2].lower()
        plain = ending.isascii() and ending.isalnum() and 1 <= len(ending) <= 5
        return f".{ending}" if plain else ".bin"


@dataclass(frozen=True)
class Identifier:
    """An account or address as typed. `item` is the id of its evidence item."""

    kind: str
    text: str
    item: str


@dataclass(frozen=True)
class Event:
    """One custody event of the report's chain.

    `canonical` is the row as JSON, `revealed` salt ‖ detail; `withheld` says why the partner does
    not get the detail, and is empty if they do. `proof` is the inclusion proof of the leaf at
    `tree_index` (RFC 9162).
    """

    number: int
    canonical: str
    revealed: bytes
    withheld: str
    tree_index: int
    proof: list[bytes]


@dataclass(frozen=True)
class Material:
    """`secret`: the report's private key. `checkpoint`: the signed note; `checkpoint_key`: PEM.

    `ca_fingerprint`: SHA-256 of the CA certificate. `signing_key`: the raw Ed25519 public key of
    the report. `basis`: the consent or legal basis, as the partner reads it.
    """

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
        """The answers that the partner gets."""
        return [said for said in self.said if said.key not in WITHHELD_ANSWERS]
