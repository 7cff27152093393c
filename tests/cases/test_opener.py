"""Promise 3: no plaintext without a custody event that is committed, fresh, unused and its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from cases.operations.acting import acting_as
from cases.reports import reading
from cases.staff.models import StaffMember
from cases.triage import queue
from reporting import answers, evidence, on_record
from reporting.actors import Actor
from reporting.custody.record import Recorded, founding, record
from reporting.models import OfficeWrap
from reporting.sessions import Visit
from reporting.vault import keys, opener
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]


@pytest.fixture
def visit() -> Visit:
    return factories.sent()


@pytest.fixture
def person() -> StaffMember:
    return factories.staff()


def _ask(event_id: int) -> keys.Secret:
    return opener.ask(settings.OPENER_SOCKET, event_id)


def _act(visit: Visit, by: Actor, name: str = "report:opened") -> Recorded:
    with acting_as("worker" if by.startswith("job:") else "staff"):
        return record(visit.report.pk, name, actor=by, detail={})


def test_a_fresh_event_opens_its_report_once(visit: Visit, person: StaffMember) -> None:
    event = _act(visit, person.actor)
    assert _ask(event.id) == visit.secret
    with pytest.raises(opener.Refused, match="used before"):
        _ask(event.id)


def test_a_missing_event_is_refused() -> None:
    with pytest.raises(opener.Refused, match="no such"):
        _ask(999_999)


def test_an_event_that_is_not_committed_is_refused(visit: Visit, person: StaffMember) -> None:
    with acting_as("staff"), transaction.atomic():
        event = record(visit.report.pk, "report:opened", actor=person.actor, detail={})
        with pytest.raises(opener.Refused, match="no such"):
            _ask(event.id)


def test_an_old_event_is_refused(
    visit: Visit, person: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = _act(visit, person.actor)
    monkeypatch.setattr(opener, "FRESH", timedelta(0))
    with pytest.raises(opener.Refused, match="too old"):
        _ask(event.id)


@pytest.mark.parametrize("door", ["PEOPLES_DOOR", "JOBS_DOOR"])
def test_an_event_written_by_another_process_is_refused(
    visit: Visit, person: StaffMember, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    by = person.actor if door == "PEOPLES_DOOR" else Actor("job:assess")
    event = _act(visit, by, "report:opened" if door == "PEOPLES_DOOR" else "report:assessed")
    monkeypatch.setattr(opener, door, "sequencer")
    with pytest.raises(opener.Refused, match="another door"):
        _ask(event.id)


def test_an_event_that_opens_nothing_is_refused(visit: Visit, person: StaffMember) -> None:
    with pytest.raises(opener.Refused, match="not one that opens"):
        _ask(_act(visit, person.actor, "report:news_read").id)


def test_a_swapped_wrap_is_refused_to_the_office(visit: Visit, person: StaffMember) -> None:
    other = factories.sent()
    wraps = dict(
        OfficeWrap.objects.filter(subject=other.report.pk).values_list("key_id", "wrapped")
    )
    with factories.forging():
        for wrap in OfficeWrap.objects.filter(subject=visit.report.pk):
            OfficeWrap.objects.filter(pk=wrap.pk).update(wrapped=wraps[wrap.key_id])
    with pytest.raises(opener.Refused, match="no wrap"):
        _ask(_act(visit, person.actor).id)


def test_a_swapped_public_key_is_refused_to_the_office(visit: Visit, person: StaffMember) -> None:
    other = factories.sent()
    event = _act(visit, person.actor)
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE custody_custodydetail SET founding = replace(founding, %s, %s)",
            [visit.public_key, other.public_key],
        )
    founding.cache_clear()
    with pytest.raises(opener.Refused, match="not the one that was recorded"):
        _ask(event.id)


def test_malformed_bytes_on_the_socket_do_not_stop_it(visit: Visit, person: StaffMember) -> None:
    with socket.socket(socket.AF_UNIX) as connection_:
        connection_.connect(str(settings.OPENER_SOCKET))
        connection_.sendall(b"\xff" * 150 + b"\n")
    assert _ask(_act(visit, person.actor).id) == visit.secret


@contextmanager
def _callers(count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        callers = []
        for _ in range(count):
            caller = stack.enter_context(socket.socket(socket.AF_UNIX))
            caller.connect(str(settings.OPENER_SOCKET))
            callers.append(caller)
        yield callers


def test_slow_callers_keep_nobody_waiting_and_are_hung_up_on(
    visit: Visit, person: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opener, "CALL_SECONDS", 1.5)
    event = _act(visit, person.actor)
    began = time.monotonic()
    with _callers(50) as callers:
        for caller in callers:
            caller.sendall(b"{")
        assert _ask(event.id) == visit.secret
        assert time.monotonic() - began < 1
        # A byte now and then does not move the deadline.
        time.sleep(1)
        callers[0].sendall(b" ")
        callers[0].settimeout(5)
        assert callers[0].recv(1) == b""
        assert time.monotonic() - began < 4


def test_more_callers_than_it_hears_are_hung_up_on_and_it_goes_on(
    visit: Visit, person: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opener, "CALLERS", 3)
    with _callers(4) as callers:
        callers[3].settimeout(5)
        assert callers[3].recv(1) == b""
    event = _act(visit, person.actor)
    deadline = time.monotonic() + 5
    while True:
        try:
            assert _ask(event.id) == visit.secret
            return
        except opener.Refused:  # until it has noticed that the three are gone
            assert time.monotonic() < deadline


def test_a_draft_cannot_be_opened_by_the_office(person: StaffMember) -> None:
    draft = factories.draft()
    with pytest.raises(opener.Refused, match="no wrap"):
        evidence.office_key(draft.report.pk, "report:opened", detail={}, by=person.actor)


class TestCaps:
    """What one person, all people, and all jobs may open in an hour (security review, 14)."""

    @pytest.fixture(autouse=True)
    def caps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opener, "CAP_PER_HOUR", 2)
        monkeypatch.setattr(opener, "ALL_PEOPLE_CAP_PER_HOUR", 3)
        monkeypatch.setattr(opener, "JOBS_CAP_PER_HOUR", 2)

    def test_a_person_is_refused_at_the_cap_and_a_colleague_is_not(
        self, visit: Visit, person: StaffMember
    ) -> None:
        for _ in range(2):
            _ask(_act(visit, person.actor).id)
        with pytest.raises(opener.Refused, match="this person has opened more"):
            _ask(_act(visit, person.actor).id)
        assert _ask(_act(visit, factories.staff().actor).id) == visit.secret

    def test_all_people_together_have_a_cap(self, visit: Visit) -> None:
        for _ in range(3):
            _ask(_act(visit, factories.staff().actor).id)
        with pytest.raises(opener.Refused, match="the office has opened more"):
            _ask(_act(visit, factories.staff().actor).id)

    def test_all_jobs_together_have_a_cap_whatever_they_are_called(self, visit: Visit) -> None:
        for name in ("job:assess", "job:verify"):
            _ask(_act(visit, Actor(name), "report:assessed").id)
        with pytest.raises(opener.Refused, match="our computer has opened more"):
            _ask(_act(visit, Actor("job:anything"), "report:assessed").id)
        assert _ask(_act(visit, factories.staff().actor).id) == visit.secret

    def test_an_invented_name_opens_nothing(self, visit: Visit) -> None:
        with pytest.raises(opener.Refused, match="nobody who works in the office"):
            _ask(_act(visit, Actor("S-INVENTED0000")).id)

    def test_a_person_who_left_opens_nothing(self, visit: Visit, person: StaffMember) -> None:
        StaffMember.objects.filter(pk=person.pk).update(is_active=False)
        with pytest.raises(opener.Refused, match="nobody who works in the office"):
            _ask(_act(visit, person.actor).id)

    def test_the_staff_role_cannot_speak_as_a_job(self, visit: Visit) -> None:
        with acting_as("staff"), pytest.raises(Exception, match="may not record this"):
            record(visit.report.pk, "report:opened", actor="job:assess", detail={})


def test_the_reporter_is_shown_who_read_and_that_the_rules_read(
    visit: Visit, person: StaffMember
) -> None:
    queue.assess(visit.report)
    assert reading.open_report(visit.report, by=person).said
    assert factories.told(visit) == [
        ("Our computer", "sorted it by urgency"),
        ("Caseworker", "read your report"),
    ]


def test_a_refused_opening_is_not_shown_to_the_reporter(
    visit: Visit, person: StaffMember, settings: Any
) -> None:
    """It stands in the record, and nobody read anything (code review, 0)."""
    there = settings.OPENER_SOCKET
    settings.OPENER_SOCKET = there.with_name("nobody")
    with pytest.raises(opener.Refused):
        reading.open_report(visit.report, by=person)
    assert factories.told(visit) == []
    settings.OPENER_SOCKET = there
    reading.open_report(visit.report, by=person)
    assert factories.told(visit) == [("Caseworker", "read your report")]


def test_what_the_office_reads_is_what_the_reporter_wrote(
    visit: Visit, person: StaffMember
) -> None:
    secret = evidence.office_key(visit.report.pk, "report:opened", detail={}, by=person.actor)
    known = on_record.of(visit.report.pk, secret)
    assert answers.latest(answers.read(known.answers, secret)) == factories.ADULT_EXTORTION
