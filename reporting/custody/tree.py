"""The Merkle tree of RFC 9162, section 2.1: roots, inclusion and consistency proofs, and their verification.

Hashes are 32 bytes; a leaf hash is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


class ProofRejected(Exception):
    """The proof does not lead to the root."""


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


class Frontier:
    """The roots of the full subtrees to the left: enough to append and to give the root, in O(log n) memory."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        size, current = self.size, leaf
        while size & 1:
            current = node(self._roots.pop(), current)
            size >>= 1
        self._roots.append(current)
        self.size += 1

    def root(self) -> bytes:
        if not self._roots:
            return EMPTY_ROOT
        current = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            current = node(left, current)
        return current


def root(leaves: Sequence[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Sibling hashes from the leaf upwards (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError("index outside the tree")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(index, leaves[:k]), root(leaves[k:])]
    return [*inclusion_proof(index - k, leaves[k:]), root(leaves[:k])]


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """From the tree of the first `first` leaves to the tree of all (RFC 9162, 2.1.4.1)."""
    if not 0 < first <= len(leaves):
        raise ValueError("no such earlier tree")
    return _subproof(first, leaves, known=True)


def _subproof(first: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if known else [root(leaves)]
    k = _split(len(leaves))
    if first <= k:
        return [*_subproof(first, leaves[:k], known=known), root(leaves[k:])]
    return [*_subproof(first - k, leaves[k:], known=False), root(leaves[:k])]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> None:
    """RFC 9162, 2.1.3.2. Raises ProofRejected."""
    if not 0 <= index < size:
        raise ProofRejected("index outside the tree")
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRejected("the proof is too long")
        if position & 1 or position == last:
            current = node(sibling, current)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            current = node(current, sibling)
        position, last = position >> 1, last >> 1
    if last or current != expected_root:
        raise ProofRejected("the entry is not in the tree of this root")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """RFC 9162, 2.1.4.2. Raises ProofRejected."""
    if not 0 < first <= second:
        raise ProofRejected("sizes out of order")
    if first == second:
        if proof or first_root != second_root:
            raise ProofRejected("two roots for one size")
        return
    path = list(proof)
    if first & (first - 1) == 0:
        path = [first_root, *path]
    if not path:
        raise ProofRejected("the proof is empty")
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRejected("the proof is too long")
        if position & 1 or position == last:
            old, new = node(sibling, old), node(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node(new, sibling)
        position, last = position >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise ProofRejected("the earlier tree is not a beginning of the later one")
