"""Proofs that events lie under a signed checkpoint, read from the tiles: O(log n) each."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from reporting.custody import published, tiles

Key = tuple[str, int]  # subject, seq


class NotCovered(Exception):
    """The newest event of the chain is not under a published checkpoint yet."""


@dataclass(frozen=True)
class Entry:
    """One event of a chain. `founding` or `sealed` is its detail; both are empty where it was
    shredded."""

    seq: int
    canonical: str
    founding: str
    sealed: bytes
    tree_index: int
    proof: list[bytes]


@dataclass(frozen=True)
class Chain:
    """`checkpoint`: the signed note that every proof leads to."""

    entries: list[Entry]
    checkpoint: str


def tlog_proof(tree_index: int, hashes: list[bytes], checkpoint: str, *, row: str = "") -> str:
    """C2SP tlog-proof@v1: everything to check one entry offline, as text. `row`: the canonical row
    that the leaf is the hash of, to go with it as extra data."""
    extra = f"extra {base64.b64encode(row.encode()).decode()}\n" if row else ""
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in hashes)
    return f"c2sp.org/tlog-proof@v1\n{extra}index {tree_index}\n{lines}\n{checkpoint}"


def proofs(keys: Iterable[Key], *, with_rows: bool = False) -> dict[Key, str]:
    """The tlog-proofs of events under the newest checkpoint, with their rows if asked for; those
    that it does not cover yet are left out."""
    wanted, checkpoint = list(keys), published.newest()
    if checkpoint is None or not wanted:
        return {}
    subjects, seqs = [subject for subject, _seq in wanted], [seq for _subject, seq in wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.subject, event.seq, place.tree_index, event.canonical "
            "FROM public.custody_custodyevent event "
            "JOIN unnest(%s::text[], %s::bigint[]) AS wanted (subject, seq) USING (subject, seq) "
            "JOIN public.custody_place place ON place.event_id = event.id "
            "WHERE place.tree_index < %s",
            [subjects, seqs, checkpoint.size],
        )
        places = {(subject, seq): found for subject, seq, *found in cursor.fetchall()}
    paths = tiles.inclusion_proofs((index for index, _row in places.values()), checkpoint.size)
    return {
        key: tlog_proof(index, paths[index], checkpoint.note, row=row if with_rows else "")
        for key, (index, row) in places.items()
    }


def chain(subject: str) -> Chain:
    """All events of a subject. Raises NotCovered."""
    checkpoint = published.newest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.seq, event.canonical, coalesce(detail.founding, ''), "
            "coalesce(detail.sealed, ''), place.tree_index FROM public.custody_custodyevent event "
            "LEFT JOIN public.custody_custodydetail detail ON detail.event_id = event.id "
            "LEFT JOIN public.custody_place place ON place.event_id = event.id "
            "WHERE event.subject = %s ORDER BY event.seq",
            [subject],
        )
        rows = cursor.fetchall()
    size = checkpoint.size if checkpoint else 0
    indexes = [size if row[-1] is None else int(row[-1]) for row in rows]
    if checkpoint is None or any(index >= size for index in indexes):
        raise NotCovered(subject)
    paths = tiles.inclusion_proofs(indexes, size)
    entries = [
        Entry(seq, canonical, founding, bytes(sealed), index, paths[index])
        for seq, canonical, founding, sealed, index in rows
    ]
    return Chain(entries, checkpoint.note)
