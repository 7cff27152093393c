"""The Merkle tree of RFC 9162, section 2.1: which subtrees a proof is made of, and how proofs are
checked.

Hashes are 32 bytes; a leaf hash is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right). A
*span* is a run of leaves [begin, end). Here is no storage: `tiles` finds the roots of spans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Span = tuple[int, int]

SIZE = 32  # bytes of a hash
EMPTY_ROOT = hashlib.sha256(b"").digest()


class ProofRejected(Exception):
    """The proof does not lead to the root."""


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, which lie one after the other in `hashes`."""
    sha256 = hashlib.sha256
    while len(hashes) > SIZE:
        pairs = range(0, len(hashes), 2 * SIZE)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 64]).digest() for at in pairs])
    return hashes


def join(roots: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand side by side, the largest on the left."""
    if not roots:
        return EMPTY_ROOT
    current = roots[-1]
    for left in reversed(roots[:-1]):
        current = node(left, current)
    return current


class Frontier:
    """A tree that only grows, as the roots of its perfect subtrees: O(log n) memory, O(log n) for
    its root."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, root: bytes, height: int = 0) -> None:
        """Add a perfect subtree of 2^height leaves, by default one leaf. The size is a multiple of
        2^height."""
        position, current = self.size >> height, root
        while position & 1:
            current = node(self._roots.pop(), current)
            position >>= 1
        self._roots.append(current)
        self.size += 1 << height

    def root(self) -> bytes:
        return join(self._roots)


def perfect(span: Span) -> list[Span]:
    """The perfect subtrees that a span consists of, from left to right."""
    begin, end = span
    parts = []
    while begin < end:
        length = 1 << (end - begin).bit_length() - 1
        parts.append((begin, begin + length))
        begin += length
    return parts


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose roots prove the leaf at `index` of `size`, from the leaf upwards (RFC
    9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"the tree of {size} entries has no entry {index}")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(first: int, size: int) -> list[Span]:
    """The subtrees whose roots prove that the tree of `first` entries is how that of `size` begins
    (2.1.4.1)."""
    if not 0 < first <= size:
        raise ValueError(f"the tree of {size} entries has no beginning of {first}")
    spans: list[Span] = []
    begin, end, known = 0, size, True
    while first < end:
        middle = begin + _split(end - begin)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin, known = middle, False
    if not known:
        spans.append((begin, end))
    return spans[::-1]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> None:
    """RFC 9162, 2.1.3.2. Raises ProofRejected."""
    if not 0 <= index < size:
        raise ProofRejected("index outside the tree")
    if any(len(one) != SIZE for one in (leaf, *proof)):
        raise ProofRejected("not a hash")
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
