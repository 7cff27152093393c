"""Making and redeeming codes each have a short queue of their own: a flood at one is turned away there and slows nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.test import Client

from reporting import intake, receipts
from reporting.models import Report
from reporting.vault import codes
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8100"}


@contextmanager
def crowded(desk: codes.Desk) -> Iterator[None]:
    """One at work and two waiting: the queue is full."""
    leave, inside = threading.Event(), threading.Semaphore(0)

    def stand() -> None:
        with desk.turn():
            inside.release()
            leave.wait(20)

    with ExitStack() as stack:
        people = [threading.Thread(target=stand) for _ in range(3)]
        for person in people:
            person.start()
        for person in people:
            stack.callback(person.join)
        stack.callback(leave.set)
        assert inside.acquire(timeout=10)
        while desk._places._value:  # until the other two have taken their places
            pass
        yield


def test_who_comes_to_a_full_desk_is_turned_away_at_once_and_served_later() -> None:
    desk = codes.Desk()
    with crowded(desk), pytest.raises(codes.Busy), desk.turn():
        pass
    with desk.turn():
        pass


def test_an_error_at_the_desk_gives_the_place_back() -> None:
    desk = codes.Desk(at_once=1, waiting=0)
    with pytest.raises(ZeroDivisionError), desk.turn():
        raise ZeroDivisionError
    with desk.turn():
        pass


def test_a_flood_of_codes_turns_no_new_report_away() -> None:
    visit = factories.sent()
    with crowded(receipts._redeeming):
        answer = Client().post("/back/", {"code": visit.code}, headers=ORIGIN)
        assert answer.status_code == 503
        assert "have not looked at your code yet" in answer.content.decode()
        assert visit.code in answer.content.decode()
        assert Client().post("/page/1/", {"answer": "yes"}, headers=ORIGIN).status_code == 302
    assert Client().post("/back/", {"code": visit.code}, headers=ORIGIN).status_code == 302


def test_a_flood_of_new_reports_keeps_nobody_from_coming_back() -> None:
    visit = factories.sent()
    with crowded(intake._minting):
        answer = Client().post("/page/6/", {"answer": "a long account"}, headers=ORIGIN)
        assert answer.status_code == 503
        assert "a long account" in answer.content.decode()
        assert "press Continue again" in answer.content.decode()
        assert Client().post("/back/", {"code": visit.code}, headers=ORIGIN).status_code == 302
    assert Report.objects.count() == 1
