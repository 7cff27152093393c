"""The tree as C2SP tlog-tiles (https://c2sp.org/tlog-tiles): 256 hashes a tile, read and written in
O(log n).

Tile n of level L holds the roots of the perfect subtrees of 256^L leaves, from subtree 256n on. A
tile only grows; the hashes that stand in it never change, so that a proof for an older size is read
from the same tiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from reporting.custody.tree import (
    SIZE,
    Span,
    consistency_spans,
    inclusion_spans,
    join,
    perfect,
    root_of,
)

HEIGHT = 8
WIDTH = 1 << HEIGHT

Key = tuple[int, int]  # level, n
Fetch = Callable[[Collection[Key]], dict[Key, bytes]]


class TileMissing(Exception):
    """The table lacks a tile, or hashes of one, that the tree of this size has."""


class NotATile(ValueError):
    """Not a C2SP tile path."""


@dataclass(frozen=True)
class TilePath:
    """`width`: how many hashes are asked for; 256 for a full tile."""

    level: int
    n: int
    width: int

    @classmethod
    def parse(cls, text: str) -> TilePath:
        """The part of the path after `tile/`: `L/N` or `L/N.p/W`. One tile has one spelling. Raises
        NotATile."""
        match = re.fullmatch(
            r"([0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", text
        )
        if match is None:
            raise NotATile(text)
        level, groups, width = match.groups()
        path = cls(int(level), int(re.sub(r"[x/]", "", groups)), int(width or WIDTH))
        if path.level > 63 or path.width > WIDTH or str(path) != text:
            raise NotATile(text)
        return path

    def __str__(self) -> str:
        groups, rest = [f"{self.n % 1000:03d}"], self.n // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{self.level}/{'/'.join(groups)}{partial}"


def from_table(keys: Collection[Key]) -> dict[Key, bytes]:
    """Tiles from the table, in one query; those that are not there are left out."""
    levels, ns = [level for level, _n in keys], [n for _level, n in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tile.level, tile.n, tile.hashes FROM public.custody_tile tile "
            "JOIN unnest(%s::smallint[], %s::bigint[]) AS wanted (level, n) USING (level, n)",
            [levels, ns],
        )
        return {(level, n): bytes(hashes) for level, n, hashes in cursor.fetchall()}


def stored(path: TilePath) -> bytes | None:
    """The tile as C2SP serves it, or None while the table does not hold that many hashes of it."""
    hashes = from_table([(path.level, path.n)]).get((path.level, path.n), b"")
    return hashes[: path.width * SIZE] if len(hashes) >= path.width * SIZE > 0 else None


def root(size: int, fetch: Fetch = from_table) -> bytes:
    """The root of the first `size` entries. Raises TileMissing."""
    return _Reader([(0, size)], fetch).root((0, size))


def inclusion_proofs(
    indexes: Iterable[int], size: int, fetch: Fetch = from_table
) -> dict[int, list[bytes]]:
    """Index → inclusion proof in the tree of `size` entries. All tiles are read in one query.
    Raises TileMissing."""
    spans = {index: inclusion_spans(index, size) for index in indexes}
    reader = _Reader([span for needed in spans.values() for span in needed], fetch)
    return {index: [reader.root(span) for span in needed] for index, needed in spans.items()}


def consistency_proof(first: int, size: int, fetch: Fetch = from_table) -> list[bytes]:
    """That the tree of `first` entries is how that of `size` begins. Raises ValueError,
    TileMissing."""
    spans = consistency_spans(first, size)
    reader = _Reader(spans, fetch)
    return [reader.root(span) for span in spans]


class _Reader:
    """Roots of spans, from tiles that are fetched at once."""

    def __init__(self, spans: Iterable[Span], fetch: Fetch) -> None:
        wanted = {_place(part)[0] for span in spans for part in perfect(span)}
        self._tiles = fetch(wanted) if wanted else {}
        self._roots: dict[Span, bytes] = {}

    def root(self, span: Span) -> bytes:
        return join([self._perfect_root(part) for part in perfect(span)])

    def _perfect_root(self, part: Span) -> bytes:
        if part not in self._roots:
            key, first, count = _place(part)
            hashes = self._tiles.get(key, b"")[first * SIZE : (first + count) * SIZE]
            if len(hashes) != count * SIZE:
                raise TileMissing(f"tile {TilePath(*key, WIDTH)} lacks hash {first + count - 1}")
            self._roots[part] = root_of(hashes)
        return self._roots[part]


def _place(part: Span) -> tuple[Key, int, int]:
    """Where the root of a perfect subtree is read: tile, first hash in it, how many."""
    begin, end = part
    height = (end - begin).bit_length() - 1
    level = height // HEIGHT
    position = begin >> level * HEIGHT
    return (level, position // WIDTH), position % WIDTH, 1 << height % HEIGHT


class RightEdge:
    """The last, unfinished tile of each level: all that is needed to append and to give the
    root."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytearray] = []

    @classmethod
    def load(cls, size: int, fetch: Fetch = from_table) -> RightEdge:
        """Of a tree of `size` entries, by one tile a level. Raises TileMissing."""
        edge = cls()
        edge.size = size
        widths: list[Key] = []
        while count := size >> len(widths) * HEIGHT:
            widths.append((count // WIDTH, count % WIDTH))
        wanted = [(level, n) for level, (n, width) in enumerate(widths) if width]
        tiles = fetch(wanted)
        for level, (n, width) in enumerate(widths):
            hashes = tiles.get((level, n), b"")[: width * SIZE]
            if len(hashes) != width * SIZE:
                raise TileMissing(f"tile {TilePath(level, n, WIDTH)} lacks hash {width - 1}")
            edge._levels.append(bytearray(hashes))
        return edge

    def append(self, leaves: Sequence[bytes]) -> dict[Key, bytes]:
        """Add leaf hashes; the tiles that changed, each whole."""
        changed: dict[Key, bytes] = {}
        count, added, level = self.size, list(leaves), 0
        while added:
            if level == len(self._levels):
                self._levels.append(bytearray())
            added = self._append_to(level, count >> level * HEIGHT, added, changed)
            level += 1
        self.size += len(leaves)
        return changed

    def _append_to(
        self, level: int, count: int, added: list[bytes], changed: dict[Key, bytes]
    ) -> list[bytes]:
        """Add hashes to one level that holds `count`; the roots of the tiles that became full."""
        tile, full = self._levels[level], []
        while added:
            room = WIDTH - len(tile) // SIZE
            tile += b"".join(added[:room])
            changed[level, count // WIDTH] = bytes(tile)
            count, added = count + len(added[:room]), added[room:]
            if len(tile) == WIDTH * SIZE:
                full.append(root_of(bytes(tile)))
                tile.clear()
        return full

    def root(self) -> bytes:
        roots: list[bytes] = []
        for tile in reversed(self._levels):
            for begin, end in perfect((0, len(tile) // SIZE)):
                roots.append(root_of(bytes(tile[begin * SIZE : end * SIZE])))
        return join(roots)


def store(changed: dict[Key, bytes]) -> None:
    """Write tiles inside the caller's transaction, in one statement."""
    rows = [(level, n, len(hashes) // SIZE, hashes) for (level, n), hashes in changed.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.custody_tile (level, n, width, hashes) "
            "SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::smallint[], %s::bytea[]) "
            "ON CONFLICT (level, n) DO UPDATE SET width = excluded.width, hashes = excluded.hashes",
            [list(column) for column in zip(*rows, strict=True)],
        )
