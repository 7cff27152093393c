"""The tree over the events as they are: against the stored tiles, and against checkpoints that left
the house."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reporting.custody.models import Tile
from reporting.custody.tiles import HEIGHT, WIDTH, Key, TilePath
from reporting.custody.tree import SIZE, Frontier, root_of
from reporting.custody.verify_checkpoints import Known
from reporting.custody.verify_rows import Faults

_TILE = WIDTH * SIZE


def check(leaves: bytes | bytearray, known: Iterable[Known], faults: Faults) -> None:
    """`leaves`: the hashes of the placed events by place, zeros where a place has no event.

    `known`: by size.
    """
    levels = _levels(leaves)
    _check_places(leaves, faults)
    _check_tiles(levels, faults)
    _check_checkpoints(levels, known, faults)


def _levels(leaves: bytes | bytearray) -> list[memoryview]:
    """The hashes of every level of tiles, from the leaves upwards."""
    levels = [memoryview(leaves)]
    while len(levels[-1]) >= _TILE:
        below = levels[-1]
        full = range(0, len(below) - _TILE + 1, _TILE)
        levels.append(memoryview(b"".join([root_of(bytes(below[at : at + _TILE])) for at in full])))
    return levels


def _check_places(leaves: bytes | bytearray, faults: Faults) -> None:
    at = leaves.find(bytes(SIZE))
    while at >= 0:
        faults.add(f"the tree has no event at entry {at // SIZE}")
        at = leaves.find(bytes(SIZE), at - at % SIZE + SIZE)


def _check_tiles(levels: list[memoryview], faults: Faults) -> None:
    missing = set(_keys(levels))
    for tile in Tile.objects.order_by("level", "n").iterator(chunk_size=200):
        key = (tile.level, tile.n)
        if key not in missing:
            faults.add(f"tile {TilePath(*key, WIDTH)} is stored and the tree has no such tile")
            continue
        missing.remove(key)
        expected, hashes = _tile(levels, key), bytes(tile.hashes)
        if hashes != expected or tile.width * SIZE != len(expected):
            faults.add(_tile_fault(key, hashes, expected))
    faults.extend(f"tile {TilePath(*key, WIDTH)} is missing" for key in sorted(missing))


def _keys(levels: list[memoryview]) -> Iterator[Key]:
    for level, hashes in enumerate(levels):
        yield from ((level, n) for n in range(-(-len(hashes) // _TILE)))


def _tile(levels: list[memoryview], key: Key) -> bytes:
    level, n = key
    return bytes(levels[level][n * _TILE : (n + 1) * _TILE])


def _tile_fault(key: Key, hashes: bytes, expected: bytes) -> str:
    level, n = key
    differs = [
        at // SIZE
        for at in range(0, len(expected), SIZE)
        if hashes[at : at + SIZE] != expected[at : at + SIZE]
    ]
    if not differs:
        return f"tile {TilePath(level, n, WIDTH)} holds more than the tree"
    first = (n * WIDTH + differs[0]) << level * HEIGHT
    what = f"entry {first}" if level == 0 else f"the entries from {first} on"
    return f"tile {TilePath(level, n, WIDTH)} was made from other events: {what}"


def _check_checkpoints(levels: list[memoryview], known: Iterable[Known], faults: Faults) -> None:
    leaves, size = levels[0], len(levels[0]) // SIZE
    frontier, good, differing = Frontier(), 0, 0
    for named in known:
        wanted = named.size
        if wanted > size:
            faults.add(
                f"the tree ends at {size} entries and {named.where} saw {wanted}: the end was cut "
                "off, or an older copy of the database was put back"
            )
            return
        _grow(frontier, wanted, levels, leaves)
        if frontier.root() == named.root:
            good = wanted if not differing else good
            continue
        differing += 1
        if differing == 1:
            faults.add(
                f"tree entries {good} to {wanted - 1}: at least one is not what {named.where} saw"
            )
    if differing > 1:
        faults.add(f"{differing - 1} later checkpoints do not fit the tree either")


def _grow(frontier: Frontier, size: int, levels: list[memoryview], leaves: memoryview) -> None:
    while frontier.size < size:
        at = frontier.size
        if at % WIDTH == 0 and size - at >= WIDTH:
            tile = at // WIDTH
            frontier.append(bytes(levels[1][tile * SIZE : (tile + 1) * SIZE]), HEIGHT)
        else:
            frontier.append(bytes(leaves[at * SIZE : (at + 1) * SIZE]))
