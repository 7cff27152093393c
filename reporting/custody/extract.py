"""One subject's chain, with proofs that every event lies under a signed checkpoint."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from reporting.custody.models import Checkpoint, CustodyDetail, CustodyEvent
from reporting.custody.tree import inclusion_proof


class NotCovered(Exception):
    """The newest event of the chain is not under a published checkpoint yet."""


@dataclass(frozen=True)
class Entry:
    seq: int
    canonical: str
    founding: str
    sealed: bytes
    tree_index: int
    proof: list[bytes]


@dataclass(frozen=True)
class Chain:
    entries: list[Entry]
    checkpoint: str


def tlog_proof(tree_index: int, hashes: list[bytes], checkpoint: str) -> str:
    """C2SP tlog-proof@v1: everything to check one entry offline, as text."""
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in hashes)
    return f"c2sp.org/tlog-proof@v1\nindex {tree_index}\n{lines}\n{checkpoint}"


def proofs(leaves: Sequence[str]) -> dict[str, str]:
    """Leaf (hex) → its tlog-proof under the newest checkpoint, for those that lie under it. One reading of the tree for all."""
    checkpoint = Checkpoint.objects.order_by("-size").first()
    if checkpoint is None or not leaves:
        return {}
    places = dict(
        CustodyEvent.objects.filter(leaf__in=leaves, tree_index__lt=checkpoint.size).values_list(
            "leaf", "tree_index"
        )
    )
    tree = _leaves(checkpoint.size) if places else []
    return {
        leaf: tlog_proof(index, inclusion_proof(index, tree), checkpoint.note)
        for leaf, index in places.items()
        if index is not None
    }


def _leaves(size: int) -> list[bytes]:
    placed = (
        CustodyEvent.objects.filter(tree_index__lt=size)
        .order_by("tree_index")
        .values_list("leaf", flat=True)
    )
    return [bytes.fromhex(leaf) for leaf in placed.iterator(chunk_size=10_000)]


def chain(subject: str) -> Chain:
    """Raises NotCovered. Proofs are computed from the leaves of the whole tree: O(n) for each event."""
    checkpoint = Checkpoint.objects.order_by("-size").first()
    rows = list(CustodyEvent.objects.filter(subject=subject).order_by("seq"))
    size = checkpoint.size if checkpoint else 0
    if checkpoint is None or any(row.tree_index is None or row.tree_index >= size for row in rows):
        raise NotCovered(subject)
    leaves = _leaves(size)
    details = {
        detail.event_id: detail
        for detail in CustodyDetail.objects.filter(event_id__in=[row.id for row in rows])
    }
    entries = []
    for row in rows:
        assert row.tree_index is not None
        detail = details[row.id]
        proof = inclusion_proof(row.tree_index, leaves)
        entries.append(
            Entry(
                row.seq, row.canonical, detail.founding, bytes(detail.sealed), row.tree_index, proof
            )
        )
    return Chain(entries, checkpoint.note)
