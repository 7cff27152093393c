"""The queue of waiting reports: its order and its pages."""

from __future__ import annotations

import pytest

from cases.triage import queue
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_queue_is_ordered_by_band_then_by_waiting(running_opener: None) -> None:
    calm = factories.sent({"safe": "yes", "age": "adult", "what": ["abuse"]})
    danger = factories.sent({"safe": "no", "what": ["stalking"]})
    danger_later = factories.sent({"safe": "no", "what": ["stalking"]})
    unseen = factories.sent({"words": "x"})
    for visit in (calm, danger_later, danger):
        queue.assess(visit.report)
    lines = queue.waiting()
    assert [line.report.pk for line in lines] == [
        visit.report.pk for visit in (unseen, danger, danger_later, calm)
    ]
    first = lines[1]
    assert first.assessment is not None
    assert first.report.submitted_at is not None
    rest = queue.waiting(
        queue.After(first.assessment.band, first.report.submitted_at, first.report.pk)
    )
    assert [line.report.pk for line in rest] == [danger_later.report.pk, calm.report.pk]
