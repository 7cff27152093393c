"""An act of the reporter is signed for one thing, at one place of one chain, at one time."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from reporting import intake, messages, on_record, questions, signed
from reporting.acts import BY_NAME
from reporting.custody.events import Event
from reporting.custody.models import CustodyEvent
from reporting.custody.record import founding
from reporting.sessions import Visit
from reporting.vault import codes
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit() -> Visit:
    visit = factories.sent()
    messages.write(visit, "hello")
    return visit


def posted(visit: Visit) -> tuple[Event, dict[str, Any]]:
    known = on_record.of(visit.report.pk, visit.secret)
    event = next(act for act in known.acts if act.name == "message:posted")
    detail = known.details[event.id]
    assert detail is not None
    return event, detail


def is_signed(visit: Visit, event: Event, detail: dict[str, Any]) -> bool:
    try:
        signed.check(event, detail, founding(visit.report.pk).signing_key)
    except signed.NotSigned:
        return False
    return True


def test_what_was_recorded_is_signed(visit: Visit) -> None:
    assert is_signed(visit, *posted(visit))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "R-000000000000"),
        ("name", "answer:saved"),
        ("object", "M-000000000000"),
        ("previous", "0" * 64),
    ],
)
def test_a_field_of_the_event_that_was_changed(visit: Visit, field: str, value: Any) -> None:
    event, detail = posted(visit)
    assert not is_signed(visit, dataclasses.replace(event, **{field: value}), detail)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", hashlib.sha256(b"other words").hexdigest()),
        ("signed_at", "2026-11-25T10:00:00.000+00:00"),
        ("signature", base64.b64encode(bytes(64)).decode()),
        ("signature", "no base64!"),
        ("signature", ""),
        ("signature", None),
        ("sha256", None),
        ("signed_at", "yesterday"),
    ],
)
def test_a_field_of_the_detail_that_was_changed(
    visit: Visit, field: str, value: str | None
) -> None:
    event, detail = posted(visit)
    assert not is_signed(visit, event, {**detail, field: value})


@pytest.mark.parametrize("field", ["sha256", "signed_at", "signature"])
def test_a_field_of_the_detail_that_is_missing(visit: Visit, field: str) -> None:
    event, detail = posted(visit)
    detail.pop(field)
    assert not is_signed(visit, event, detail)


@pytest.mark.parametrize(("minutes", "holds"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_the_clocks_may_differ_by_five_minutes(visit: Visit, minutes: int, holds: bool) -> None:
    """The database's clock stamps the act, the door's the signature; a signature kept for later is
    worth nothing."""
    event, detail = posted(visit)
    moved = dataclasses.replace(event, at=event.at + timedelta(minutes=minutes))
    assert is_signed(visit, moved, detail) == holds


@pytest.mark.parametrize("key", ["", "00" * 32, "zz", "00"])
def test_another_key_or_none(visit: Visit, key: str) -> None:
    event, detail = posted(visit)
    with pytest.raises(signed.NotSigned):
        signed.check(event, detail, key)


def test_a_signature_of_another_return_code(visit: Visit) -> None:
    event, detail = posted(visit)
    other = factories.draft()
    statement = signed._statement(
        event.subject,
        event.name,
        event.object,
        detail["sha256"],
        event.previous,
        detail["signed_at"],
    )
    forged = base64.b64encode(codes.sign(other.signing_seed, statement)).decode()
    assert not is_signed(visit, event, {**detail, "signature": forged})
    right = base64.b64encode(codes.sign(visit.signing_seed, statement)).decode()
    assert is_signed(visit, event, {**detail, "signature": right})


def test_a_signature_moved_to_the_next_place_is_none(visit: Visit) -> None:
    """The same words once more, with the signature of the first time."""
    event, detail = posted(visit)
    messages.write(visit, "hello")
    known = on_record.of(visit.report.pk, visit.secret)
    again = [act for act in known.acts if act.name == "message:posted"][-1]
    assert again.id != event.id
    assert not is_signed(visit, dataclasses.replace(again, object=event.object), detail)


def test_every_act_of_the_reporter_is_signed_as_the_list_of_acts_says(visit: Visit) -> None:
    """What the public door recorded for this report, each with a signature where one is due."""
    factories.file(visit)
    factories.lines(visit)
    intake.answer(visit, questions.BY_KEY["told"], "the school")
    known = on_record.of(visit.report.pk, visit.secret)
    names = {act.name for act in known.acts if act.door == "public"}
    assert {"answer:saved", "evidence:acquired", "report:submitted", "message:posted"} < names
    for act in known.acts:
        detail = known.details.get(act.id) or {}
        due = act.door == "public" and BY_NAME[act.name].signed
        assert is_signed(visit, act, detail) == due, act.name


def test_the_signature_is_nowhere_in_the_clear(visit: Visit) -> None:
    event, detail = posted(visit)
    row = CustodyEvent.objects.get(pk=event.id)
    assert detail["signature"] not in row.canonical
    assert detail["sha256"] not in row.canonical
