"""No role stops the work of another: not by rows in the ledger, not by acts without a readable
detail.

Security review, 5, 6 and 22.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from cases import records
from cases.models import Assessment
from cases.operations import grants
from cases.operations.acting import acting_as
from cases.reports import reading
from reporting import messages, quarantine
from reporting.custody.models import CustodyEvent
from reporting.models import EvidenceItem
from reporting.sessions import Visit
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

ORIGIN = {"origin": "http://localhost:8100"}
DOORS = [role.removeprefix("holdfast_") for role in grants.ROLES]


def append(visit: Visit, act: str, *, sealed: bytes = b"", previous: str | None = None) -> None:
    """What a captured public door can always do: an act of its own kind, with whatever detail."""
    with acting_as("public"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT custody_append(%s, %s, 'reporter', %s, %s, %s, %s, '', %s)",
            [
                visit.report.pk,
                act,
                visit.report.pk,
                bytes(32),
                hashlib.sha256(b"detail").digest(),
                sealed,
                previous,
            ],
        )


@pytest.mark.parametrize("door", DOORS)
def test_nobody_puts_a_detail_where_the_next_event_will_be(door: str) -> None:
    """2,000 rows by the weakest role kept every door from recording anything."""
    visit = factories.sent()
    newest = CustodyEvent.objects.order_by("-id").values_list("id", flat=True)[0]
    with (
        acting_as(door),
        pytest.raises(DatabaseError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO custody_custodydetail (event_id, founding, sealed)"
            " SELECT number, '', '' FROM generate_series(%s::bigint, %s::bigint) number",
            [newest + 1, newest + 2000],
        )
    messages.write(visit, "still here")


@pytest.mark.parametrize("door", DOORS)
def test_nobody_turns_the_number_of_the_next_event(door: str) -> None:
    for statement in (
        "SELECT setval('custody_event_number', 1)",
        "SELECT nextval('custody_event_number')",
        "ALTER SEQUENCE custody_event_number RESTART",
    ):
        with acting_as(door), pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


def _reads(visit: Visit) -> str:
    """Staff page, portal, sorting: what has to go on."""
    factories.sweep()
    assert (
        Assessment.objects.get(report=visit.report, current=True).reasons[0]["rule"] != "unopened"
    )
    opened = reading.open_report(visit.report, by=factories.staff())
    client = Client()
    assert client.post("/back/", {"code": visit.code}, headers=ORIGIN).status_code == 302
    assert client.get("/mine/").status_code == 200
    assert factories.ADULT_EXTORTION["words"] in repr(opened.said)
    return repr(opened.faults)


@pytest.mark.parametrize("act", ["message:read", "looks:shown", "report:opened_by_reporter"])
@pytest.mark.parametrize("sealed", [b"", b"\x01\xff", b"no version"])
def test_an_act_without_a_readable_detail_closes_no_page(act: str, sealed: bytes) -> None:
    visit = factories.sent()
    append(visit, act, sealed=sealed)
    assert f"{act}: the detail of its act cannot be read" in _reads(visit)
    assert list(records.faults()) == []


def test_an_act_that_the_reporter_did_not_sign_moves_nothing() -> None:
    visit = factories.sent()
    messages.post(visit.report, "from the office", by=factories.staff().actor)
    append(visit, "message:read")
    opened = reading.open_report(visit.report, by=factories.staff())
    assert factories.ADULT_EXTORTION["words"] in repr(opened.said)
    assert opened.thread[0].text == "from the office"


def test_quarantining_every_file_of_the_office_is_on_record_for_each() -> None:
    """The public door may close; what it closes is on record, and two people open it again."""
    visits = [factories.draft() for _ in range(3)]
    items = [factories.file(visit) for visit in visits]
    with acting_as("public"):
        for item in items:
            quarantine.close(item.report_id, item.pk, reason="x")
    acts = CustodyEvent.objects.filter(event="evidence:quarantined", door="public")
    assert set(acts.values_list("object", flat=True)) == {item.pk for item in items}
    with acting_as("public"), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("UPDATE reporting_quarantine SET state = 'released'")


@pytest.mark.parametrize("attempt", ["vault name", "state", "hash"])
def test_no_item_stops_the_worker(attempt: str) -> None:
    """A name that is no name in the vault stopped every sweep (finding 11): it is refused at the
    door."""
    visit = factories.sent()
    columns: dict[str, Callable[[EvidenceItem], None]] = {
        "vault name": lambda item: setattr(item, "vault_name", "../x"),
        "state": lambda item: setattr(item, "state", "verified"),
        "hash": lambda item: setattr(item, "ciphertext_sha256", ""),
    }
    item = factories.file(visit)
    columns[attempt](item)
    with acting_as("public"), pytest.raises(DatabaseError):
        item.save()
    factories.sweep()
    item.refresh_from_db()
    assert item.state == EvidenceItem.State.VERIFIED
