"""Promise 3: no plaintext without a custody event. The opener refuses a missing, old, used or foreign one."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

from cases.reports import reading
from cases.triage import queue
from reporting import evidence, people
from reporting.custody.record import record
from reporting.models import Look, OfficeWrap
from reporting.vault import keys, opener
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]


def _ask(event_id: int) -> keys.Secret:
    return opener.ask(settings.OPENER_SOCKET, event_id)


def test_a_fresh_event_opens_its_report_once() -> None:
    visit = factories.sent()
    event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
    assert _ask(event.id) == visit.secret
    with pytest.raises(opener.Refused, match="used before"):
        _ask(event.id)


def test_a_missing_event_is_refused() -> None:
    with pytest.raises(opener.Refused, match="no such"):
        _ask(999_999)


def test_an_event_that_is_not_committed_is_refused() -> None:
    visit = factories.sent()
    with transaction.atomic():
        event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
        with pytest.raises(opener.Refused, match="no such"):
            _ask(event.id)


def test_an_old_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent()
    event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
    monkeypatch.setattr(opener, "FRESH", timedelta(0))
    with pytest.raises(opener.Refused, match="too old"):
        _ask(event.id)


def test_an_event_of_another_door_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.sent()
    event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
    monkeypatch.setattr(opener, "OPENING_DOOR", "staff")
    with pytest.raises(opener.Refused, match="another door"):
        _ask(event.id)


def test_an_event_that_opens_nothing_is_refused() -> None:
    visit = factories.sent()
    event = record(visit.report.pk, "message:posted", actor="S-1", detail={})
    with pytest.raises(opener.Refused, match="not one that opens"):
        _ask(event.id)


def test_a_swapped_wrap_is_refused_to_the_office() -> None:
    visit, other = factories.sent(), factories.sent()
    wraps = {
        wrap.public_key: wrap.wrapped for wrap in OfficeWrap.objects.filter(subject=other.report.pk)
    }
    for wrap in OfficeWrap.objects.filter(subject=visit.report.pk):
        OfficeWrap.objects.filter(pk=wrap.pk).update(wrapped=wraps[wrap.public_key])
    event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
    with pytest.raises(opener.Refused, match="no wrap"):
        _ask(event.id)


def test_a_swapped_public_key_is_refused_to_the_office() -> None:
    visit, other = factories.sent(), factories.sent()
    event = record(visit.report.pk, "report:opened", actor="S-1", detail={})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE custody_custodydetail SET founding = replace(founding, %s, %s)",
            [visit.public_key, other.public_key],
        )
    with pytest.raises(opener.Refused, match="not the one that was recorded"):
        _ask(event.id)


def test_a_person_is_stopped_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "CAP_PER_HOUR", 3)
    visit = factories.sent()
    for _ in range(3):
        _ask(record(visit.report.pk, "report:opened", actor="S-1", detail={}).id)
    with pytest.raises(opener.Refused, match="cap"):
        _ask(record(visit.report.pk, "report:opened", actor="S-1", detail={}).id)
    assert _ask(record(visit.report.pk, "report:opened", actor="S-2", detail={}).id) == visit.secret


def test_nonsense_on_the_socket_does_not_stop_it() -> None:
    with socket.socket(socket.AF_UNIX) as connection_:
        connection_.connect(str(settings.OPENER_SOCKET))
        connection_.sendall(b"\xff" * 150 + b"\n")
    visit = factories.sent()
    assert _ask(record(visit.report.pk, "report:opened", actor="S-1", detail={}).id) == visit.secret


def test_a_draft_cannot_be_opened_by_the_office() -> None:
    visit = factories.draft()
    with pytest.raises(opener.Refused, match="no wrap"):
        evidence.office_key(visit.report.pk, "report:opened", detail={}, by=factories.staff().actor)


def test_reading_is_on_her_list_and_the_rules_are_too() -> None:
    visit, worker = factories.sent(), factories.staff()
    queue.assess(visit.report)
    assert reading.open_report(visit.report, by=worker).said
    looks = list(Look.objects.filter(report=visit.report).order_by("at").values_list("who", "act"))
    assert looks == [("Our computer", "sorted it by urgency"), ("Caseworker", "read your report")]


def test_what_the_office_reads_is_what_she_wrote() -> None:
    visit = factories.sent()
    secret = evidence.office_key(
        visit.report.pk, "report:opened", detail={}, by=factories.staff().actor
    )
    assert people.latest_answers(visit.report, secret) == factories.ADULT_EXTORTION
