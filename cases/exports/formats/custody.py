"""custody/: the report's chain, one file per event, and the inclusion proof of the newest under the
signed checkpoint.

`ledger/N.json` is the canonical row: SHA-256(0x00 ‖ file) is its leaf, and the next row's
`previous`. `ledger/N.detail` is salt ‖ detail: its SHA-256 is the row's `detail_hash`.
`details-withheld.txt` names each N whose detail this partner does not get; without the salt, a
detail cannot be guessed from its hash. `newest.tlog-proof` is C2SP tlog-proof@v1 of the last row:
as each row holds the leaf of the one before it, it covers them all.
"""

from __future__ import annotations

import base64

from cases.exports.bag import Bag
from cases.exports.material import Material
from reporting.custody.extract import tlog_proof


def write(bag: Bag, material: Material) -> None:
    for event in material.events:
        name = f"custody/ledger/{event.number:08d}"
        bag.payload(f"{name}.json", event.canonical.encode())
        if not event.withheld:
            bag.payload(f"{name}.detail", event.revealed)
    newest = material.events[-1]
    proof = tlog_proof(newest.tree_index, newest.proof, material.checkpoint)
    bag.payload("custody/newest.tlog-proof", proof.encode())
    withheld = "".join(f"{event.number:08d}\n" for event in material.events if event.withheld)
    bag.payload("custody/details-withheld.txt", withheld.encode())
    body, _, signature_lines = material.checkpoint.partition("\n\n")
    signature = base64.b64decode(signature_lines.splitlines()[0].rpartition(" ")[2])
    bag.payload("custody/checkpoint.txt", material.checkpoint.encode())
    bag.payload("custody/checkpoint.body", f"{body}\n".encode())
    # A signed note puts a 4-byte key hash before the Ed25519 signature (C2SP signed-note).
    bag.payload("custody/checkpoint.sig", signature[4:])
    bag.payload("custody/log-key.pem", material.checkpoint_key)
