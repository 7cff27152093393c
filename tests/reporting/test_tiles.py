"""The tree as tiles: judged by the vectors of transparency-dev, by pymerkle, and by a C2SP client
at the partner door."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from cases.operations.acting import acting_as
from reporting.custody import checkpoints, extract, published, tiles, tree
from reporting.custody.models import CustodyEvent
from reporting.custody.record import record
from reporting.custody.tiles import Key, NotATile, RightEdge, TilePath
from tests.reporting import ledger
from tests.reporting.ledger import ACT, subject_with

_VECTORS = Path(__file__).with_name("vectors") / "merkle.jsonl"
_IN_DATABASE = pytest.mark.django_db(transaction=True)


def _vectors() -> Iterator[Any]:
    for line in _VECTORS.read_text().splitlines()[1:]:
        vector = json.loads(line)
        yield pytest.param(vector, id=vector["file"])


@pytest.mark.parametrize("vector", list(_vectors()))
def test_public_vectors_of_proofs(vector: dict[str, Any]) -> None:
    proof = [base64.b64decode(one) for one in vector["proof"] or []]

    def hash_of(name: str) -> bytes:
        return base64.b64decode(vector[name] or "")

    def check() -> None:
        if "leafIdx" in vector:
            tree.verify_inclusion(
                hash_of("leafHash"), vector["leafIdx"], vector["treeSize"], proof, hash_of("root")
            )
        else:
            tree.verify_consistency(
                vector["size1"], vector["size2"], proof, hash_of("root1"), hash_of("root2")
            )

    if vector["wantErr"]:
        with pytest.raises(tree.ProofRejected):
            check()
    else:
        check()


class _Memory:
    """Tiles in a dictionary, counting what is read."""

    def __init__(self, leaves: list[bytes], *, batch: int) -> None:
        self.edge, self.tiles, self.reads = RightEdge(), dict[Key, bytes](), 0
        for begin in range(0, len(leaves), batch):
            self.tiles |= self.edge.append(leaves[begin : begin + batch])

    def __call__(self, keys: Collection[Key]) -> dict[Key, bytes]:
        self.reads += len(keys)
        return {key: self.tiles[key] for key in keys if key in self.tiles}


def _leaves(count: int) -> list[bytes]:
    return [tree.leaf_hash(number.to_bytes(4)) for number in range(count)]


def _root(leaves: list[bytes]) -> bytes:
    frontier = tree.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 300), st.data())
def test_proofs_from_tiles_hold_and_nothing_else_does(
    size: int, batch: int, data: st.DataObject
) -> None:
    leaves = _leaves(size)
    memory, root = _Memory(leaves, batch=batch), _root(leaves)
    assert memory.edge.root() == tiles.root(size, memory) == root
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = tiles.inclusion_proofs([index], size, memory)[index]
    tree.verify_inclusion(leaves[index], index, size, proof, root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, proof, root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_inclusion(leaves[index], index, size, [*proof, root], root)
    consistency = tiles.consistency_proof(first, size, memory)
    tree.verify_consistency(first, size, consistency, _root(leaves[:first]), root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_consistency(first, size, consistency, tree.leaf_hash(b"other"), root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33, 256, 257, 700])
def test_roots_and_proofs_are_those_of_an_outside_library(size: int) -> None:
    entries = [number.to_bytes(4) for number in range(size)]
    outside = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        outside.append_entry(entry)
    memory = _Memory(_leaves(size), batch=100)
    assert tiles.root(size, memory) == outside.get_root()
    for index in {0, size // 3, size - 1}:
        path = outside.prove_inclusion(index + 1, size).path[1:]
        assert tiles.inclusion_proofs([index], size, memory)[index] == path


def test_a_proof_reads_a_handful_of_tiles_however_large_the_tree_is() -> None:
    leaves = _leaves(70_000)
    memory = _Memory(leaves, batch=5_000)
    for index in (0, 35_000, 69_999):
        memory.reads = 0
        tiles.inclusion_proofs([index], 70_000, memory)
        assert memory.reads <= 5
    memory.reads = 0
    edge = RightEdge.load(70_000, memory)
    assert memory.reads <= 3
    assert edge.root() == memory.edge.root()


def test_an_edge_that_was_loaded_grows_as_the_one_that_was_kept() -> None:
    leaves = _leaves(1_000)
    kept = _Memory(leaves[:600], batch=600)
    loaded = RightEdge.load(600, kept)
    assert loaded.append(leaves[600:]) == kept.edge.append(leaves[600:])
    assert loaded.root() == _root(leaves)


@pytest.mark.parametrize("size", [1, 300, 70_000])
def test_a_missing_tile_is_said_and_never_guessed(size: int) -> None:
    with pytest.raises(tiles.TileMissing):
        RightEdge.load(size, lambda keys: {})
    with pytest.raises(tiles.TileMissing):
        tiles.root(size, lambda keys: {})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0/000", TilePath(0, 0, 256)),
        ("0/000.p/5", TilePath(0, 0, 5)),
        ("3/x001/x234/067", TilePath(3, 1_234_067, 256)),
        ("3/x001/234.p/255", TilePath(3, 1_234, 255)),
    ],
)
def test_one_tile_has_one_path(text: str, path: TilePath) -> None:
    assert TilePath.parse(text) == path
    assert str(path) == text


@pytest.mark.parametrize(
    "text",
    ["", "0", "0/0", "00/000", "0/x000/001", "0/000.p/0", "0/000.p/256", "0/000.p/05", "64/000",
     "entries/000", "0/000/", "-1/000", "0/001/002", "0/٠٠٠"],
)  # fmt: skip
def test_what_is_no_tile_path_is_refused(text: str) -> None:
    with pytest.raises(NotATile):
        TilePath.parse(text)


# --- at the partner door ------------------------------------------------------------------------


class _Door:
    """The partner door as a C2SP client reads it, under the door's database role."""

    def get(self, *path: str) -> bytes | None:
        with acting_as("partner"):
            answer = Client().get("/partner/ledger/" + "/".join(path))
        return answer.content if answer.status_code == 200 else None


@_IN_DATABASE
def test_a_c2sp_client_reads_checkpoint_tiles_and_proofs_at_the_partner_door() -> None:
    subject = subject_with(300)
    ledger.place()
    earlier = published.newest()
    subject_with(10)
    ledger.place()
    door = _Door()
    reader = TilesReader(door)
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string((door.get("key") or b"").decode().strip()))
    assert checkpoint.size == 312
    assert earlier is not None
    chain = extract.chain(subject)
    for entry in chain.entries[::50]:
        proof = reader.get_inclusion_proof(entry.tree_index, checkpoint.size)
        assert proof.node_hashes == entry.proof
        proof.check(tree.leaf_hash(entry.canonical.encode()), checkpoint.root_hash)
    consistency = reader.get_consistency_proof(earlier.size, checkpoint.size)
    consistency.check(earlier.root, checkpoint.root_hash)


def _get(path: str) -> Any:
    with acting_as("partner"):
        return Client().get(f"/partner/ledger/{path}")


@_IN_DATABASE
def test_a_tile_may_be_kept_for_ever_and_a_checkpoint_may_not() -> None:
    subject_with(299)
    ledger.place()
    full = _get("tile/0/000")
    assert len(full.content) == 256 * 32
    assert "immutable" in full.headers["Cache-Control"]
    assert full.headers["Content-Type"] == "application/octet-stream"
    assert _get("tile/0/000.p/9").content == full.content[: 9 * 32]
    assert len(_get("tile/0/001.p/44").content) == 44 * 32
    assert _get("checkpoint").headers["Cache-Control"] == "no-cache"


@_IN_DATABASE
def test_an_officer_checks_that_an_old_checkpoint_is_the_beginning_of_a_newer_one() -> None:
    kept = []
    for events in (4, 300, 20):
        subject_with(events)
        ledger.place()
        kept.append(published.newest())
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    first, second, third = kept
    assert first
    assert second
    assert third
    for older, newer, query in (
        (first, third, ""),
        (first, second, f"&to={second.size}"),
        (third, third, ""),
    ):
        text = _get(f"consistency?from={older.size}{query}").content.decode()
        head, _, note = text.partition("\n\n")
        old, *hashes = head.split("\n")
        assert old == f"old {older.size}"
        signed = checkpoints.read(note, key)
        assert signed.size == newer.size
        proof = [base64.b64decode(one) for one in hashes]
        tree.verify_consistency(older.size, newer.size, proof, older.root, signed.root)


@_IN_DATABASE
def test_an_entry_is_proven_by_its_index() -> None:
    subject = subject_with(20)
    ledger.place()
    entry = extract.chain(subject).entries[7]
    proof = _get(f"inclusion?index={entry.tree_index}").content.decode()
    assert proof == extract.proofs([(subject, 8)])[subject, 8]


@_IN_DATABASE
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/007", 404), ("tile/0/000", 404), ("tile/0/000.p/200", 404), ("tile/9/000", 404),
        ("tile/0/0", 400), ("tile/entries/000", 400), ("tile/0/000.p/0", 400),
        ("tile/0/x999/x999/x999/x999/x999/999", 404),
        ("inclusion", 400), ("inclusion?index=x", 400), ("inclusion?index=-1", 400),
        ("inclusion?index=99", 404),
        ("inclusion?index=999999999999999999999", 400), ("inclusion?index=²", 400),
        ("consistency", 400), ("consistency?from=0", 400), ("consistency?from=99", 400),
        ("consistency?from=1&to=2", 404), ("consistency?from=1&to=y", 400),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(path: str, status: int) -> None:
    subject_with(4)
    ledger.place()
    answer = _get(path)
    assert answer.status_code == status
    assert answer.content.endswith(b".\n")


@_IN_DATABASE
def test_before_the_first_checkpoint_the_door_says_so() -> None:
    for path in ("checkpoint", "inclusion?index=0", "consistency?from=1"):
        assert _get(path).status_code == 404
    with pytest.raises(extract.NotCovered):
        extract.chain("R-000000000000")


@_IN_DATABASE
def test_proofs_of_many_events_are_those_of_each_and_what_is_not_covered_is_left_out() -> None:
    subject = subject_with(300)
    ledger.place()
    with acting_as("public"):
        record(subject, ACT, actor="reporter", detail={})
    wanted = [(subject, seq) for seq in (1, 77, 301, 302)] + [("R-000000000000", 1)]
    found = extract.proofs(wanted)
    assert sorted(seq for _subject, seq in found) == [1, 77, 301]
    newest = published.newest()
    assert newest is not None
    for (_subject, seq), text in found.items():
        lines = text.split("\n")
        index = int(lines[1].removeprefix("index "))
        proof = [base64.b64decode(line) for line in lines[2 : lines.index("")]]
        leaf = bytes.fromhex(CustodyEvent.objects.get(subject=subject, seq=seq).leaf)
        tree.verify_inclusion(leaf, index, newest.size, proof, newest.root)
    with pytest.raises(extract.NotCovered):
        extract.chain(subject)
