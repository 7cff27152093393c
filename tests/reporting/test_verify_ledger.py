"""verify_ledger: a sound ledger is called sound, and whatever a database owner changes is found and
named."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from cases.operations.acting import acting_as
from reporting.custody import published, verify, verify_rows, verify_tree
from reporting.custody.models import CustodyEvent
from reporting.custody.record import record
from tests.reporting import ledger, tampering
from tests.reporting.ledger import Clock, past_the_triggers, subject_with, two_chains
from tests.reporting.tampering import EVENT, FALSE_ACT

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sound_ledger_verifies() -> None:
    for _ in range(3):
        subject_with(4)
        ledger.place()
    verdict = ledger.verdict()
    assert (verdict.events, verdict.placed, verdict.checkpoints) == (15, 15, 3)
    assert (verdict.faults, verdict.count, verdict.notes) == ([], 0, [])


def test_an_empty_ledger_is_only_consistent() -> None:
    verdict = ledger.verdict()
    assert (verdict.events, verdict.placed, verdict.checkpoints, verdict.count) == (0, 0, 0, 0)


def test_doors_may_write_while_the_ledger_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the snapshot is not held against it."""
    subject_with(3)
    ledger.place()
    check = verify_tree.check

    def meanwhile(*values: Any) -> None:
        check(*values)
        with _another_connection() as other:
            other.execute("INSERT INTO custody_custodyhead VALUES ('R-000000000009', 1, now())")

    with monkeypatch.context() as patched:
        patched.setattr(verify_tree, "check", meanwhile)
        assert ledger.verdict().faults == []
    assert ledger.verdict().faults == [
        "R-000000000009: the ledger says it has 1 entries and there is none"
    ]


def _another_connection() -> Any:
    database = connection.settings_dict
    return psycopg.connect(
        host=database["HOST"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    )


# --- what a database owner changes ----------------------------------------------------------------


@pytest.mark.parametrize(("sql", "named"), tampering.ALL.values(), ids=tampering.ALL.keys())
def test_what_a_database_owner_changes_is_found_and_named(sql: str, named: str) -> None:
    two_chains()
    assert ledger.verdict().faults == []
    past_the_triggers(sql)
    verdict = ledger.verdict()
    assert verdict.count
    assert any(named in fault for fault in verdict.faults), verdict.faults


def test_a_row_that_cannot_be_taken_apart_is_named() -> None:
    two_chains()
    column = "ALTER TABLE custody_custodyevent ALTER object_sha256"
    with connection.cursor() as cursor:
        cursor.execute(f"{column} DROP NOT NULL")
    try:
        past_the_triggers(EVENT.format("object_sha256 = NULL", 2))
        assert "the column object_sha256 differs" in ledger.verdict().faults[0]
    finally:
        past_the_triggers("DELETE FROM custody_custodyevent")
        with connection.cursor() as cursor:
            cursor.execute(f"{column} SET NOT NULL")


def test_every_flipped_bit_of_a_row_is_found() -> None:
    subject_with(2)
    ledger.place()
    row = CustodyEvent.objects.order_by("id")[1]
    for place in range(0, len(row.canonical), 17):
        changed = (
            row.canonical[:place] + chr(ord(row.canonical[place]) ^ 1) + row.canonical[place + 1 :]
        )
        past_the_triggers(
            "UPDATE custody_custodyevent SET canonical = %s WHERE id = %s", changed, row.id
        )
        assert ledger.verdict().count


def test_two_events_with_swapped_places_are_found_and_named() -> None:
    subject_with(4)
    ledger.place()
    for before, after in ((1, 77), (2, 1), (77, 2)):
        past_the_triggers(
            "UPDATE custody_place SET tree_index = %s WHERE tree_index = %s", after, before
        )
    faults = ledger.verdict().faults
    assert "tile 0/000 was made from other events: entry 1" in faults[0]
    assert "line 1 of checkpoints.log" in faults[1]


def _rewrite_history() -> None:
    """Actor, texts, leaves and links of every event: only tiles and checkpoints contradict it."""
    past_the_triggers(
        """
        DO $$
        DECLARE
            event record;
            new_text text;
            last text := '';
            chain text := '';
        BEGIN
            FOR event IN SELECT * FROM custody_custodyevent ORDER BY subject, seq LOOP
                IF event.subject <> chain THEN
                    chain := event.subject;
                    last := repeat('0', 64);
                END IF;
                new_text := replace(replace(event.canonical, event.previous, last),
                    '"reporter"', '"nobody"');
                UPDATE custody_custodyevent SET previous = last, canonical = new_text,
                    actor = replace(actor, 'reporter', 'nobody'),
                    leaf = encode(sha256('\\x00'::bytea || convert_to(new_text, 'UTF8')), 'hex')
                    WHERE id = event.id RETURNING leaf INTO last;
            END LOOP;
        END $$
        """
    )


def test_a_history_that_was_rewritten_as_a_whole_is_found_by_checkpoints_alone() -> None:
    for _ in range(2):
        subject_with(5)
        ledger.place()
    _rewrite_history()
    past_the_triggers("DELETE FROM custody_tile")
    leaves = ledger.rows(
        "SELECT decode(leaf, 'hex') FROM custody_place JOIN custody_custodyevent ON id = event_id "
        "ORDER BY tree_index"
    )
    hashes = b"".join(bytes(leaf) for (leaf,) in leaves)
    past_the_triggers("INSERT INTO custody_tile VALUES (0, 0, %s, %s)", len(leaves), hashes)
    assert ledger.verdict().faults == [
        "tree entries 0 to 5: at least one is not what line 1 of checkpoints.log "
        f"({next(ledger.log().lines()).at:%Y-%m-%d %H:%M:%S} UTC) saw",
        "1 later checkpoints do not fit the tree either",
    ]


def test_a_restored_older_dump_is_found() -> None:
    subject_with(3)
    ledger.place()
    later = subject_with(2)
    ledger.place()
    past_the_triggers("DELETE FROM custody_place WHERE tree_index >= 4")
    past_the_triggers(
        "DELETE FROM custody_custodydetail WHERE event_id IN "
        "(SELECT id FROM custody_custodyevent WHERE subject = %s)",
        later,
    )
    for table in ("custody_custodyevent", "custody_custodyhead"):
        past_the_triggers(f"DELETE FROM {table} WHERE subject = %s", later)
    past_the_triggers("DELETE FROM custody_checkpoint WHERE size > 4")
    past_the_triggers(
        "UPDATE custody_tile SET width = 4, hashes = substring(hashes FROM 1 FOR 128)"
    )
    (fault,) = ledger.verdict().faults
    assert "the tree ends at 4 entries" in fault
    assert "an older copy of the database was put back" in fault


def test_an_act_dated_after_the_checkpoint_that_covers_it_is_found() -> None:
    """Signed by the sequencer, because a clock or an owner set its time before it was placed."""
    subject_with(1)
    past_the_triggers(FALSE_ACT.format(time="now() + interval '15 seconds'"))
    ledger.place()
    past = datetime.now(UTC) + timedelta(minutes=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(verify, "datetime", Clock(past))
        (fault,) = ledger.verdict().faults
    assert "its time is after the checkpoint of 3 that covers it" in fault


def test_an_act_dated_back_to_before_the_last_checkpoint_is_found() -> None:
    subject_with(1)
    # The chain is an hour old, and so is its checkpoint.
    hour = "at = at - interval '1 hour'"
    past_the_triggers(f"UPDATE custody_custodyhead SET {hour}")
    ledger.place()
    past_the_triggers(FALSE_ACT.format(time="now() - interval '30 minutes'"))
    ledger.place()
    faults = ledger.verdict().faults
    assert any("): its time is long before it was recorded" in fault for fault in faults)


def test_an_act_of_2030_is_found_although_a_checkpoint_says_that_it_was_signed_later() -> None:
    subject_with(1)
    past_the_triggers(FALSE_ACT.format(time="timestamptz '2030-01-01 UTC'"))
    ledger.place()
    log = settings.CHECKPOINTS_LOG
    log.write_text(re.sub(r'"at": "[0-9]{4}', '"at": "2031', log.read_text()))
    (line,) = ledger.log().lines()
    past_the_triggers("UPDATE custody_checkpoint SET at = %s", line.at)
    (fault,) = ledger.verdict().faults
    assert "its time is in the future" in fault


def test_a_forgotten_draft_may_lack_its_details_and_a_sent_report_may_not() -> None:
    subject = subject_with(3)
    with acting_as("worker"):
        record(subject, "report:expired", actor="job:sweep", detail={})
    past_the_triggers("DELETE FROM custody_custodydetail WHERE founding = ''")
    ledger.place()
    assert ledger.verdict().faults == []
    past_the_triggers(FALSE_ACT.format(time="now()"))
    ledger.place()
    (fault,) = ledger.verdict().faults
    assert "no act says that it was erased" in fault


def test_an_event_that_waits_too_long_is_not_called_sound() -> None:
    subject_with(2)
    assert ledger.verdict().faults == []
    past = published.SEQUENCED_WITHIN + timedelta(seconds=1)
    past_the_triggers("UPDATE custody_custodyevent SET at = at - %s", past)
    faults = ledger.verdict().faults
    assert any("3 events wait for a place" in fault for fault in faults)
    assert published.oldest_unsequenced() is not None


def test_a_hundred_faults_are_listed_and_the_rest_counted() -> None:
    subject_with(150)
    ledger.place()
    past_the_triggers("UPDATE custody_custodyevent SET actor = 'nobody'")
    verdict = ledger.verdict()
    assert (verdict.count, len(verdict.faults)) == (151, verify_rows.Faults.LIMIT)


def test_further_checks_run_in_the_same_snapshot() -> None:
    subject_with(0)
    ledger.place()
    verdict = ledger.verdict(also=[lambda: ["one fault"], lambda: ["and another"]])
    assert verdict.faults == ["one fault", "and another"]
