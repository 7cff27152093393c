"""custody/: the report's chain, one file per event, each with its inclusion proof under the signed
checkpoint.

`ledger/N.json` is the canonical row: SHA-256(0x00 ‖ file) is its leaf, and the next row's
`previous`. `ledger/N.detail` is salt ‖ detail: its SHA-256 is the row's `detail_hash`.
`details-withheld.txt` names each N whose detail this partner does not get; without the salt, a
detail cannot be guessed from its hash. `ledger/N.tlog-proof` is C2SP tlog-proof@v1.
"""

from __future__ import annotations

import base64

from cases.exports.bag import Bag
from cases.exports.material import Material
from reporting.custody.extract import tlog_proof

_WITHHELD = (
    "Acts whose details are not in this package. "
    "case/withheld.json says why, and what proves them later.\n"
)


def write(bag: Bag, material: Material) -> None:
    for event in material.events:
        name = f"custody/ledger/{event.number:08d}"
        bag.payload(f"{name}.json", event.canonical.encode())
        if not event.withheld:
            bag.payload(f"{name}.detail", event.revealed)
        bag.payload(
            f"{name}.tlog-proof",
            tlog_proof(event.tree_index, event.proof, material.checkpoint).encode(),
        )
    withheld = "".join(f"{event.number:08d}\n" for event in material.events if event.withheld)
    bag.payload("custody/details-withheld.txt", f"{_WITHHELD}{withheld}".encode())
    body, _, signature_lines = material.checkpoint.partition("\n\n")
    signature = base64.b64decode(signature_lines.splitlines()[0].rpartition(" ")[2])
    bag.payload("custody/checkpoint.txt", material.checkpoint.encode())
    bag.payload("custody/checkpoint.body", f"{body}\n".encode())
    # A signed note puts a 4-byte key hash before the Ed25519 signature (C2SP signed-note).
    bag.payload("custody/checkpoint.sig", signature[4:])
    bag.payload("custody/log-key.pem", material.checkpoint_key)
