"""The ledger: append-only, placed once, and the same after a kill at any step."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from cases.operations.acting import acting_as
from cases.screens import health
from reporting import ids
from reporting.custody import checkpoints, published, sequencer, tiles, tree
from reporting.custody.models import CustodyDetail, CustodyEvent
from reporting.custody.record import UnknownSubject, founding, record, start_chain
from reporting.evidence import open_bytes
from reporting.vault.keys import new_secret, public_key_of
from tests.reporting import ledger
from tests.reporting.ledger import ACT, subject_with

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_row_can_be_recomputed_with_sha256sum() -> None:
    subject, secret = ids.report(), new_secret()
    with acting_as("public"):
        start_chain(subject, public_key=public_key_of(secret), signing_key=b"", actor="reporter")
        recorded = record(subject, ACT, actor="reporter", detail={"ä": [1, "x"]})
    row = CustodyEvent.objects.get(id=recorded.id)
    written = json.loads(row.canonical)
    assert list(written) == sorted(written)
    assert hashlib.sha256(b"\0" + row.canonical.encode()).hexdigest() == row.leaf == recorded.leaf
    sealed = bytes(CustodyDetail.objects.get(event_id=row.id).sealed)
    assert hashlib.sha256(sealed).hexdigest() == written["detail_sealed_sha256"]
    detail = open_bytes(sealed, secret)
    assert hashlib.sha256(detail).hexdigest() == written["detail_hash"]
    assert json.loads(detail[32:]) == {"ä": [1, "x"]}
    assert written["previous"] == CustodyEvent.objects.get(subject=subject, seq=1).leaf


def test_the_first_event_names_its_public_keys_twice_and_seals_nothing() -> None:
    event = CustodyEvent.objects.get(subject=subject_with(0))
    detail = CustodyDetail.objects.get(event_id=event.id)
    digest = hashlib.sha256(detail.founding.encode()).hexdigest()
    assert digest == event.detail_hash == event.detail_sealed_sha256
    assert bytes(detail.sealed) == b""


@pytest.mark.parametrize(
    "change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("custody_custodyevent", "actor"),
        ("custody_place", "event_id"),
        ("custody_checkpoint", "note"),
        ("custody_tile", "hashes"),
    ],
)
def test_the_ledgers_tables_only_grow(change: str, table: str, column: str) -> None:
    subject_with(1)
    ledger.place()
    other = {"event_id": "event_id + 77", "hashes": r"'\x00'"}.get(column, "'x'")
    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table, column, other))


@pytest.mark.parametrize(
    ("subject", "event", "actor", "digest"),
    [
        ("R-short", ACT, "reporter", bytes(32)),
        ("R-000000000000", 'a"b', "reporter", bytes(32)),
        ("R-000000000000", ACT, 'x"', bytes(32)),
        ("R-000000000000", ACT, "reporter", bytes(31)),
    ],
)
def test_values_that_json_would_escape_are_refused(
    subject: str, event: str, actor: str, digest: bytes
) -> None:
    values = [subject, event, actor, subject, bytes(32), digest, b"", "x", None]
    with (
        acting_as("public"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT custody_append(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            values,
        )


def test_a_writer_with_an_old_head_is_refused() -> None:
    subject = subject_with(0)
    with acting_as("public"):
        old = record(subject, ACT, actor="reporter", detail={})
        record(subject, ACT, actor="reporter", detail={}, previous=old.leaf)
        with pytest.raises(DatabaseError, match="moved on"), transaction.atomic():
            record(subject, ACT, actor="reporter", detail={}, previous=old.leaf)


def test_a_swapped_public_key_is_refused_when_it_is_read() -> None:
    subject = subject_with(0)
    mine, other = founding(subject).public_key, public_key_of(new_secret())
    ledger.past_the_triggers(
        "UPDATE custody_custodydetail SET founding = replace(founding, %s, %s)", mine, other
    )
    founding.cache_clear()
    with pytest.raises(UnknownSubject):
        founding(subject)


def test_the_office_is_not_ready_when_an_event_has_waited_five_seconds_for_its_place() -> None:
    subject_with(0)
    with acting_as("staff"):
        assert health.ready(RequestFactory().get("/office/readyz")).status_code == 200
    ledger.past_the_triggers("UPDATE custody_custodyevent SET at = at - interval '6 seconds'")
    with acting_as("staff"):
        late = health.ready(RequestFactory().get("/office/readyz"))
    assert late.status_code == 503
    assert json.loads(late.content)["unsequenced_seconds"] >= 6
    ledger.place()
    with acting_as("staff"):
        assert health.ready(RequestFactory().get("/office/readyz")).status_code == 200


# --- sequencing ---------------------------------------------------------------------------------


def _placed() -> list[str]:
    places = "SELECT leaf FROM custody_place JOIN custody_custodyevent ON id = event_id ORDER BY 1"
    return [leaf for (leaf,) in ledger.rows(places.replace("ORDER BY 1", "ORDER BY tree_index"))]


def test_events_are_placed_in_the_order_of_their_numbers_and_signed() -> None:
    subject_with(4)
    subject_with(300)
    assert ledger.place() == 306
    leaves = [bytes.fromhex(leaf) for leaf in _placed()]
    frontier = tree.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    newest = published.newest()
    assert newest is not None
    assert (newest.size, newest.root) == (306, frontier.root())
    numbers = CustodyEvent.objects.order_by("id").values_list("leaf", flat=True)
    assert list(numbers) == _placed()
    assert ledger.rows("SELECT count(*) FROM custody_waitingevent") == [(0,)]


def test_an_event_that_commits_after_one_with_a_larger_number_gets_its_place() -> None:
    subject, late = subject_with(0), subject_with(0)
    ledger.place()
    with psycopg.connect(**_parameters()) as slow:
        slow.execute("SET SESSION AUTHORIZATION holdfast_public")
        _append(slow, late)
        with acting_as("public"):
            record(subject, ACT, actor="reporter", detail={})
        assert ledger.place() == 1
        slow.commit()
    assert ledger.place() == 1
    assert ledger.verdict().faults == []


def _append(other: psycopg.Connection[Any], subject: str) -> None:
    values = [subject, ACT, "reporter", subject, bytes(32), bytes(32), b"sealed", None, None]
    other.execute("SELECT custody_append(%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)


def test_a_backlog_of_many_batches_gets_one_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 10)
    subject_with(24)
    assert ledger.place() == 25
    assert [line.note.split("\n")[1] for line in ledger.log().lines()] == ["25"]


class _Killed(BaseException):
    """Stands for kill -9: no handler of ours catches it."""


def _dies(*args: object, **options: object) -> None:
    raise _Killed


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (tiles, "store"),
        (checkpoints, "sign"),
        (checkpoints.CheckpointLog, "append"),
        (sequencer.Sequencer, "_publish"),
    ],
    ids=["while it places", "before it signs", "before it logs", "before it publishes"],
)
def test_a_kill_at_any_step_is_finished_by_the_next_start(
    where: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject_with(2)
    ledger.place()
    subject_with(300)
    running = ledger.start()
    with monkeypatch.context() as patched, acting_as("sequencer"):
        patched.setattr(where, name, _dies)
        with pytest.raises(_Killed):
            running.round()
    logged = [line.note for line in ledger.log().lines()]
    ledger.place()
    finished = [line.note for line in ledger.log().lines()]
    assert finished[: len(logged)] == logged
    assert [note.split("\n")[1] for note in finished] == ["3", "304"]
    assert ledger.rows("SELECT note FROM custody_checkpoint ORDER BY size") == [
        (note,) for note in finished
    ]
    assert ledger.verdict().faults == []


def test_a_second_sequencer_does_not_start() -> None:
    ledger.start()
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


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM custody_place WHERE tree_index > 5",
        "DELETE FROM custody_tile",
        r"UPDATE custody_tile SET hashes = set_byte(hashes, 33, get_byte(hashes, 33) # 1)",
    ],
    ids=["an older dump", "no tiles", "another hash"],
)
def test_a_sequencer_signs_nothing_on_a_database_that_does_not_fit_its_log(damage: str) -> None:
    subject_with(6)
    ledger.place()
    ledger.past_the_triggers(damage)
    with pytest.raises(sequencer.RolledBack):
        ledger.start()
    assert len(list(ledger.log().lines())) == 1


def test_a_sequencer_does_not_sign_on_from_a_log_of_another_key() -> None:
    subject_with(1)
    ledger.place()
    other = checkpoints.sign(origin=ledger.ORIGIN, size=2, root=bytes(32), key=_key())
    ledger.log().append(other, datetime.now(UTC))
    with pytest.raises(sequencer.RolledBack):
        ledger.start()


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
