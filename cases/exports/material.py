"""Everything a package is made of, gathered once. Each format reads it and writes its own files.

What goes is an allow-list: answers whose question names the profile, details of acts that a partner
sees, items that were chosen; everything else is named in `withheld`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.models import Referral
from cases.reports.reading import Said
from reporting.models import EvidenceItem, Report
from reporting.on_record import Entry
from reporting.records import Acquisition
from reporting.vault.keys import Secret

_HARMLESS_ENDINGS = frozenset(
    [
        "jpg",
        "jpeg",
        "png",
        "gif",
        "webp",
        "avif",
        "heic",
        "heif",
        "bmp",
        "tif",
        "tiff",
        "mp4",
        "mov",
        "m4v",
        "webm",
        "mkv",
        "avi",
        "3gp",
        "mp3",
        "m4a",
        "aac",
        "ogg",
        "opus",
        "wav",
        "amr",
        "txt",
        "csv",
        "json",
        "eml",
        "pdf",
        "zip",
    ]
)


@dataclass(frozen=True)
class Withheld:
    """Something the partner does not get: what, why, and the commitment by which it could be proven
    later."""

    what: str
    why: str
    commitment: str

    def to_record(self) -> dict[str, str]:
        return {"what": self.what, "why": self.why, "commitment": self.commitment}


@dataclass(frozen=True)
class Exhibit:
    """A file that goes with the package. `number` is E0001 and so on."""

    number: str
    entry: Entry[EvidenceItem]
    facts: Acquisition

    @property
    def path(self) -> str:
        return f"exhibits/{self.number}/original{self.suffix}"

    @property
    def suffix(self) -> str:
        """The ending of the original name if a double click on it starts no program, else ".bin".

        The rest of a name in a package is ours; exhibit.json has the original name.
        """
        ending = self.facts.file_name.rpartition(".")[2].lower()
        return f".{ending}" if ending in _HARMLESS_ENDINGS else ".bin"


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

    `harms`: codes of reporting.harms. `ca_fingerprint`: SHA-256 of the CA certificate.
    `signing_key`: the raw Ed25519 public key of the report. `basis`: the consent or legal basis,
    as the partner reads it. `built_at`: the time of the act `package:built`.
    """

    name: str
    operator: str
    referral: Referral
    report: Report
    secret: Secret
    statement: list[Said]
    harms: list[str]
    exhibits: list[Exhibit]
    identifiers: list[Identifier]
    withheld: list[Withheld]
    events: list[Event]
    checkpoint: str
    checkpoint_key: bytes
    ca_fingerprint: str
    basis: str
    signing_key: bytes
    built_at: datetime

    @property
    def things(self) -> list[str]:
        """The ids of everything of the report that is in the package: what is quarantined later
        stops it."""
        exhibits = [exhibit.entry.id for exhibit in self.exhibits]
        identifiers = [identifier.item for identifier in self.identifiers]
        return [*exhibits, *identifiers, *(said.id for said in self.statement)]
