"""Making and redeeming codes are bounded each by itself: a flood at one is turned away there and
slows nobody else."""

from __future__ import annotations

import os
import threading
import time
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
def crowded(desk: codes.Desk, *, at_least: float = 30) -> Iterator[None]:
    """Everybody who can be served at once is being served, and stays."""
    leave, inside = threading.Event(), threading.Semaphore(0)

    def stand() -> None:
        with desk.turn():
            inside.release()
            leave.wait(at_least)

    with ExitStack() as stack:
        people = [threading.Thread(target=stand) for _ in range(desk.at_once)]
        for person in people:
            person.start()
        for person in people:
            stack.callback(person.join)
        stack.callback(leave.set)
        for _ in people:
            assert inside.acquire(timeout=10)
        yield


def test_who_comes_to_a_full_desk_waits_two_seconds_at_most_and_is_served_later() -> None:
    desk = codes.Desk()
    began = time.monotonic()
    with crowded(desk), pytest.raises(codes.Busy), desk.turn():
        pass
    assert 1.9 < time.monotonic() - began < 10
    with desk.turn():
        pass


def test_who_waits_is_served_as_soon_as_somebody_leaves() -> None:
    desk = codes.Desk(at_once=1, seconds=20)
    with crowded(desk, at_least=0.2), desk.turn():
        pass


def test_as_many_are_served_at_once_as_there_are_cores() -> None:
    assert codes.Desk().at_once == len(os.sched_getaffinity(0))
    assert receipts._redeeming is not intake._minting


def test_an_error_at_the_desk_gives_the_place_back() -> None:
    desk = codes.Desk(at_once=1, seconds=0)
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
