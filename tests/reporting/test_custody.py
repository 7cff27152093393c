"""The ledger: one way in, no way back, and every change is found."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pymerkle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reporting import ids
from reporting.custody import checkpoints, sequencer, tree, verify
from reporting.custody.models import Checkpoint, CustodyDetail, CustodyEvent
from reporting.custody.record import UnknownSubject, founding, record, start_chain
from reporting.custody.timestamps import StampFailed
from reporting.evidence import open_bytes
from reporting.vault.keys import new_secret, public_key_of

pytestmark = pytest.mark.django_db(transaction=True)


def _subject_with(events: int) -> str:
    subject, secret = ids.report(), new_secret()
    start_chain(subject, public_key=public_key_of(secret), signing_key=b"k" * 32, actor="reporter")
    for number in range(events):
        record(subject, "answer:saved", actor="reporter", detail={"answer": number})
    return subject


def _sequencer() -> sequencer.Sequencer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    return sequencer.Sequencer(
        "test.example/ledger", key, checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)
    )


def _known() -> list[checkpoints.SignedCheckpoint]:
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    return [
        checkpoints.read(note, key)
        for note in checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG).notes()
    ]


def _as_owner_past_the_triggers(sql: str, *values: Any) -> None:
    """What a database owner could do: switch the triggers off, change rows, switch them on again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)


def test_a_row_can_be_recomputed_with_sha256sum() -> None:
    subject, secret = ids.report(), new_secret()
    start_chain(subject, public_key=public_key_of(secret), signing_key=b"", actor="reporter")
    recorded = record(subject, "answer:saved", actor="reporter", detail={"ä": [1, "x"]})
    row = CustodyEvent.objects.get(id=recorded.id)
    assert hashlib.sha256(b"\0" + row.canonical.encode()).hexdigest() == row.leaf == recorded.leaf
    visit = open_bytes(CustodyDetail.objects.get(event_id=row.id).sealed, secret)
    assert hashlib.sha256(visit).hexdigest() == json.loads(row.canonical)["detail_hash"]
    assert json.loads(visit[32:]) == {"ä": [1, "x"]}
    assert (
        json.loads(row.canonical)["previous"]
        == CustodyEvent.objects.get(subject=subject, seq=1).leaf
    )


@pytest.mark.parametrize("statement", ["UPDATE custody_custodyevent SET actor = 'x'", "DELETE FROM custody_custodyevent",
                                       "TRUNCATE custody_custodyevent CASCADE"])  # fmt: skip
def test_the_table_refuses_every_change(statement: str) -> None:
    _subject_with(1)
    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_place_in_the_tree_is_given_once() -> None:
    _subject_with(1)
    _sequencer().round()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        CustodyEvent.objects.filter(tree_index=0).update(tree_index=77)


@pytest.mark.parametrize(
    ("subject", "event", "actor", "digest"),
    [("R-short", "a:b", "x", "0" * 64), ("R-000000000000", 'a"b', "x", "0" * 64), ("R-000000000000", "a:b", 'x"', "0" * 64),
     ("R-000000000000", "a:b", "x", "Z" * 64)],
)  # fmt: skip
def test_nothing_that_json_would_escape_gets_in(
    subject: str, event: str, actor: str, digest: str
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT custody_append(%s, %s, %s, %s)", [subject, event, actor, digest])


def test_a_writer_with_an_old_head_is_refused() -> None:
    subject = _subject_with(0)
    old = record(subject, "answer:saved", actor="reporter", detail={})
    record(subject, "answer:saved", actor="reporter", detail={}, previous=old.leaf)
    with pytest.raises(DatabaseError, match="moved on"), transaction.atomic():
        record(subject, "answer:saved", actor="reporter", detail={}, previous=old.leaf)


def test_a_sound_ledger_is_found_sound() -> None:
    for _ in range(3):
        _subject_with(4)
        _sequencer().round()
    verdict = verify.verify(_known())
    assert (verdict.events, verdict.placed, verdict.checkpoints) == (15, 15, 3)


_ACTOR = "UPDATE custody_custodyevent SET actor = 'nobody'"
_TEXT = "replace(canonical, 'reporter', 'nobody')"
_TEXT_AND_LEAF = f"canonical = {_TEXT}, leaf = encode(sha256('\\x00'::bytea || convert_to({_TEXT}, 'UTF8')), 'hex')"
_FIRST_CHAIN = "(SELECT subject FROM custody_custodyevent WHERE tree_index = 0)"
_TAMPERINGS = {
    "edit": f"{_ACTOR} WHERE tree_index = 2",
    "edit with its text": f"{_ACTOR}, canonical = {_TEXT} WHERE tree_index = 2",
    "edit with text and leaf": f"{_ACTOR}, {_TEXT_AND_LEAF} WHERE tree_index = 2",
    "edit of the last, with text and leaf": f"{_ACTOR}, {_TEXT_AND_LEAF} WHERE tree_index = 9",
    "another time": "UPDATE custody_custodyevent SET at = at + interval '1 second' WHERE tree_index = 3",
    "delete": "DELETE FROM custody_custodyevent WHERE tree_index = 3",
    "delete a whole chain": f"DELETE FROM custody_custodyevent WHERE subject = {_FIRST_CHAIN}",
    "take a place": "UPDATE custody_custodyevent SET tree_index = -1 WHERE tree_index = 1",
    "cut the tail": "DELETE FROM custody_custodyevent WHERE tree_index >= 8",
    "forget the places": "UPDATE custody_custodyevent SET tree_index = NULL WHERE tree_index >= 8",
    "swap the public keys": "UPDATE custody_custodydetail SET founding = replace(founding, 'age1', 'age2') WHERE founding <> ''",
}


@pytest.mark.parametrize("sql", _TAMPERINGS.values(), ids=_TAMPERINGS.keys())
def test_what_a_database_owner_changes_is_found_and_named(sql: str) -> None:
    _subject_with(4)
    _subject_with(4)
    _sequencer().round()
    verify.verify(_known())
    _as_owner_past_the_triggers(sql)
    with pytest.raises(verify.LedgerBroken) as found_it:
        verify.verify(_known())
    assert str(found_it.value)


def test_two_entries_that_change_places_are_found() -> None:
    _subject_with(4)
    _sequencer().round()
    for before, after in ((1, 77), (2, 1), (77, 2)):
        _as_owner_past_the_triggers(
            "UPDATE custody_custodyevent SET tree_index = %s WHERE tree_index = %s", after, before
        )
    with pytest.raises(verify.LedgerBroken, match="checkpoint"):
        verify.verify(_known())


def test_every_flipped_bit_of_a_row_is_found() -> None:
    _subject_with(2)
    _sequencer().round()
    row = CustodyEvent.objects.get(tree_index=1)
    for place in range(0, len(row.canonical), 7):
        changed = (
            row.canonical[:place] + chr(ord(row.canonical[place]) ^ 1) + row.canonical[place + 1 :]
        )
        _as_owner_past_the_triggers(
            "UPDATE custody_custodyevent SET canonical = %s WHERE tree_index = 1", changed
        )
        with pytest.raises(verify.LedgerBroken):
            verify.verify(_known())


def test_an_older_dump_put_back_is_refused_by_the_sequencer_and_found_by_the_verifier() -> None:
    _subject_with(3)
    _sequencer().round()
    later = _subject_with(2)
    _sequencer().round()
    for table in ("custody_custodydetail WHERE event_id IN (SELECT id FROM custody_custodyevent WHERE subject = %s)",
                  "custody_custodyevent WHERE subject = %s", "custody_checkpoint WHERE size > 4 AND %s <> ''"):  # fmt: skip
        _as_owner_past_the_triggers(f"DELETE FROM {table}", later)
    with pytest.raises(verify.LedgerBroken, match="older copy"):
        verify.verify(_known())
    with pytest.raises(sequencer.RolledBack):
        _sequencer()


def test_the_same_checkpoint_is_published_after_a_kill_between_log_and_database() -> None:
    _subject_with(1)
    running = _sequencer()
    running._publish = lambda checkpoint: None  # type: ignore[method-assign]
    running.round()
    (note,) = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG).notes()
    _sequencer()
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM custody_checkpoint")
        assert cursor.fetchall() == [(note,)]


class TestHourlyStamp:
    def rounds_until(self, running: sequencer.Sequencer, done: Callable[[], bool]) -> None:
        for _ in range(200):
            running.round()
            if done():
                return
            time.sleep(0.02)
        raise AssertionError("the sequencer never came so far")

    def test_one_checkpoint_an_hour_is_stamped(self) -> None:
        running = _sequencer()
        running.stamp = lambda data: b"stamp of " + data
        for _ in range(3):
            _subject_with(1)
            self.rounds_until(running, lambda: running._stamping is None)
        stamped = Checkpoint.objects.exclude(time_stamp=b"")
        assert [bytes(one.time_stamp) for one in stamped] == [
            b"stamp of " + one.note.encode() for one in stamped
        ]
        assert stamped.count() == 1
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            stamped.update(time_stamp=b"another")
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            Checkpoint.objects.filter(time_stamp=b"").update(note="x")

    def test_an_authority_that_is_away_holds_up_nothing_and_is_asked_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running, asked = _sequencer(), threading.Event()

        def away(data: bytes) -> bytes:
            asked.wait(10)
            raise StampFailed("no answer", permanent=False)

        running.stamp = away
        for events in (1, 1):
            _subject_with(events)
            running.round()
        assert Checkpoint.objects.count() == 2  # signed and published while the authority is silent
        monkeypatch.setattr(sequencer, "STAMP_AGAIN_AFTER", 0.0)
        asked.set()
        self.rounds_until(running, lambda: running._stamping is None)
        running.stamp = lambda data: b"at last"
        self.rounds_until(running, Checkpoint.objects.exclude(time_stamp=b"").exists)


def test_a_half_written_line_of_the_log_is_dropped() -> None:
    _subject_with(1)
    _sequencer().round()
    with settings.CHECKPOINTS_LOG.open("a") as log:
        log.write('{"note": "half')
    _subject_with(1)
    _sequencer().round()
    assert [checkpoint.size for checkpoint in _known()] == [2, 4]


def test_a_second_sequencer_does_not_start() -> None:
    _sequencer()
    with psycopg.connect(**_parameters()) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [sequencer._LOCK]).fetchone() == (
            False,
        )


def _parameters() -> dict[str, Any]:
    database = connection.settings_dict
    return {
        "host": database["HOST"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "dbname": database["NAME"],
    }


def test_a_swapped_public_key_is_refused_when_it_is_read() -> None:
    subject = _subject_with(0)
    other = public_key_of(new_secret())
    mine = founding(subject).public_key
    _as_owner_past_the_triggers(
        "UPDATE custody_custodydetail SET founding = replace(founding, %s, %s)", mine, other
    )
    with pytest.raises(UnknownSubject):
        founding(subject)


def test_a_checkpoint_of_another_key_or_with_any_flipped_bit_is_refused() -> None:
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    with pytest.raises(checkpoints.NotACheckpoint):
        checkpoints.read(_signed(key, 3).note, Ed25519PrivateKey.generate().public_key())
    for size in range(
        1, 9
    ):  # several signatures: what the last character of base64 leaves open differs between them
        signed = _signed(key, size)
        assert checkpoints.read(signed.note, key.public_key()) == signed
        bytes_ = signed.note.encode()
        for bit in range(len(bytes_) * 8):
            changed = bytearray(bytes_)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(checkpoints.NotACheckpoint):
                checkpoints.read(changed.decode(errors="replace"), key.public_key())


def _signed(key: Ed25519PrivateKey, size: int) -> checkpoints.SignedCheckpoint:
    at = datetime(2026, 11, 22, 21, 5, 7, tzinfo=UTC)
    return checkpoints.sign(origin="example/ledger", size=size, root=b"r" * 32, at=at, key=key)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.data())
def test_proofs_of_the_tree_hold_and_nothing_else_does(size: int, data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(bytes([number])) for number in range(size)]
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = tree.root(leaves)
    proof = tree.inclusion_proof(index, leaves)
    tree.verify_inclusion(leaves[index], index, size, proof, root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, proof, root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_inclusion(leaves[index], index, size, [*proof, root], root)
    consistency = tree.consistency_proof(first, leaves)
    tree.verify_consistency(first, size, consistency, tree.root(leaves[:first]), root)
    with pytest.raises(tree.ProofRejected):
        tree.verify_consistency(first, size, consistency, tree.leaf_hash(b"other"), root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_the_root_is_the_one_an_outside_library_computes(size: int) -> None:
    entries = [bytes([number]) for number in range(size)]
    outside = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        outside.append_entry(entry)
    assert tree.root([tree.leaf_hash(entry) for entry in entries]) == outside.get_root()
