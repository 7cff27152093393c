"""The keys that the opener gave, when a database owner changes the record of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError

from cases.operations.acting import acting_as
from reporting.custody import openings
from reporting.custody.models import CustodyEvent
from reporting.custody.record import Recorded, record
from tests.reporting import ledger
from tests.reporting.ledger import past_the_triggers, subject_with

pytestmark = pytest.mark.django_db(transaction=True)

_KEY = f"subject = '{openings.CHAIN}'"
_GONE = "it has a place in the tree and is gone"
_REMOVE = f"DELETE FROM custody_custodyevent WHERE {_KEY}"
_CHANGE = f"UPDATE custody_custodyevent SET {{}} WHERE {_KEY}"
_HASH = f"(SELECT object_sha256 FROM custody_custodyevent WHERE {_KEY} AND seq = {{}})"
_REFUSED = "(SELECT leaf FROM custody_custodyevent WHERE event = 'report:opened' AND seq = 5)"
# What is done, how `verify_ledger` names it, and how the nightly job does.
_ATTACKS = {
    "remove the first": (f"{_REMOVE} AND seq = 1", "entry 1 is missing", "act 1 is missing"),
    "remove a middle one": (f"{_REMOVE} AND seq = 2", "entry 2 is missing", "act 2 is missing"),
    "remove the last": (f"{_REMOVE} AND seq = 3", _GONE, _GONE),
    "remove all": (_REMOVE, "says it has 3 entries and there is none", _GONE),
    "remove the last and lower the head": (
        f"{_REMOVE} AND seq = 3; UPDATE custody_custodyhead h SET seq = 2, at = e.at "
        f"FROM custody_custodyevent e WHERE h.{_KEY} AND e.{_KEY} AND e.seq = 2",
        _GONE,
        _GONE,
    ),
    "add one": (
        "INSERT INTO custody_custodyevent SELECT id + 1000, subject, seq + 1, event, object, "
        f"{_REFUSED}, actor, door, at, detail_hash, detail_sealed_sha256, leaf, canonical, leaf "
        f"FROM custody_custodyevent WHERE {_KEY} AND seq = 3",
        "the column id differs",
        "the column id differs",
    ),
    "give it to another": (
        _CHANGE.format("actor = 'S-222222222222'") + " AND seq = 2",
        "the column actor differs",
        "no opening act of this actor",
    ),
    "date it back": (
        _CHANGE.format("at = at - interval '1 s'") + " AND seq = 3",
        "the column at differs",
        "the column at differs",
    ),
    "move it to a refused opening": (
        _CHANGE.format(f"object_sha256 = {_REFUSED}") + " AND seq = 2",
        "the column object_sha256 differs",
        "the column object_sha256 differs",
    ),
    "swap two": (
        _CHANGE.format(f"object_sha256 = reverse({_HASH.format(3)})") + " AND seq = 1; "
        "WITH first AS (SELECT leaf FROM custody_custodyevent WHERE event = 'report:opened' "
        "ORDER BY seq LIMIT 1) "
        + _CHANGE.format("object_sha256 = (SELECT leaf FROM first)") + " AND seq = 3; "
        + _CHANGE.format("object_sha256 = reverse(object_sha256)") + " AND seq = 1",
        "the column object_sha256 differs",
        "the column object_sha256 differs",
    ),
}  # fmt: skip


def _openings() -> list[Recorded]:
    """Three openings that got their key and, last, one that was refused; all placed and signed."""
    opened = []
    subject = subject_with(0)
    for actor in ("S-000000000000", "S-111111111111", "S-000000000000", "S-111111111111"):
        with acting_as("staff"):
            opened.append(record(subject, "report:opened", actor=actor, detail={}))
        if len(opened) < 4:
            with acting_as("opener"):
                assert openings.use(opened[-1].id, actor)
    ledger.place()
    return opened


def _found_at_night() -> list[str]:
    with acting_as("worker"):
        return list(openings.faults())


def test_a_refused_opening_is_no_fault_and_no_note() -> None:
    _openings()
    verdict = ledger.verdict()
    assert (verdict.faults, verdict.notes, _found_at_night()) == ([], [], [])


@pytest.mark.parametrize(("sql", "named", "at_night"), _ATTACKS.values(), ids=_ATTACKS.keys())
def test_what_a_database_owner_does_to_a_key_is_named(sql: str, named: str, at_night: str) -> None:
    _openings()
    past_the_triggers(sql)
    faults = ledger.verdict().faults
    assert any(named in fault for fault in faults), faults
    assert any(at_night in fault for fault in _found_at_night())


def test_the_last_key_removed_with_every_trace_in_the_database_is_found_by_the_log() -> None:
    _openings()
    for table, column in (("event", "id"), ("detail", "event_id")):
        past_the_triggers(
            f"DELETE FROM custody_custody{table} WHERE {column} IN "
            "(SELECT event_id FROM custody_place WHERE tree_index >= 6)"
        )
    past_the_triggers("DELETE FROM custody_place WHERE tree_index >= 6")
    past_the_triggers(
        "UPDATE custody_custodyhead h SET seq = e.seq, at = e.at FROM (SELECT DISTINCT ON (subject)"
        " * FROM custody_custodyevent ORDER BY subject, seq DESC) e WHERE e.subject = h.subject"
    )
    past_the_triggers(
        "UPDATE custody_tile SET width = 6, hashes = substring(hashes FROM 1 FOR 192)"
    )
    past_the_triggers("DELETE FROM custody_checkpoint")
    (fault,) = ledger.verdict().faults
    assert "the tree ends at 6 entries" in fault


def test_a_key_is_given_once_even_by_the_owner() -> None:
    first = _openings()[0]
    with acting_as("opener"):
        assert not openings.use(first.id, "S-000000000000")
    with pytest.raises(IntegrityError, match="custody_one_key"):
        past_the_triggers(
            "INSERT INTO custody_custodyevent SELECT id + 1000, subject, seq + 1, event, object, "
            f"{_HASH.format(1)}, actor, door, at, detail_hash, detail_sealed_sha256, leaf, "
            f"canonical, leaf FROM custody_custodyevent WHERE {_KEY} AND seq = 3"
        )


def test_a_key_for_what_is_no_opening_of_the_actor_is_found() -> None:
    """By whoever holds the opener's role."""
    _openings()
    with acting_as("staff"):
        taken = record(subject_with(0), "report:taken", actor="S-000000000000", detail={})
    with acting_as("opener"):
        openings.use(taken.id, "S-000000000000")
        openings.use(CustodyEvent.objects.get(event="report:opened", seq=5).id, "job:sweep")
    ledger.place()
    named = "a key was given, and for no opening act of this actor"
    assert [named in fault for fault in ledger.verdict().faults] == [True, True]
    assert [named in fault for fault in _found_at_night()] == [True, True]


def test_the_opener_counts_the_keys_of_one_and_of_all() -> None:
    _openings()
    hour = timedelta(hours=1)
    assert openings.used_since("S-", hour) == 3
    assert openings.used_since("S-000000000000", hour) == 2
    past_the_triggers("UPDATE custody_custodyevent SET at = at - interval '61 minutes'")
    assert openings.used_since("S-", hour) == 0
