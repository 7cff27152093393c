"""Looking at a file: it needs a reason, is recorded, and is refused for a quarantined item."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from cases.casework import examination
from cases.errors import ReasonMissing
from cases.operations.seed import photo
from reporting import evidence, intake
from reporting.custody.models import CustodyEvent
from reporting.models import EvidenceItem
from reporting.sessions import Visit
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(running_opener: None) -> Visit:
    return factories.draft()


@pytest.fixture
def item(visit: Visit) -> EvidenceItem:
    item = factories.file(visit, photo("hello"))
    intake.submit(visit)
    factories.case(visit, factories.staff())
    return item


def _looks(item: EvidenceItem) -> list[int]:
    looks = CustodyEvent.objects.filter(event="evidence:revealed", object=item.pk)
    return list(looks.values_list("id", flat=True))


def test_a_look_needs_a_reason_and_is_shown_to_the_reporter(
    visit: Visit, item: EvidenceItem
) -> None:
    worker = factories.staff()
    with pytest.raises(ReasonMissing):
        examination.reveal(item, "  ", by=worker)
    assert not _looks(item)
    revealed = examination.reveal(item, "to see the threat", by=worker)
    assert revealed.picture is not None
    assert revealed.picture.startswith(b"\x89PNG")
    assert len(_looks(item)) == 1
    assert ("Caseworker", "looked at a file") in factories.told(visit)


def test_if_the_ledger_cannot_be_written_nothing_is_shown(item: EvidenceItem) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE custody_custodyevent ADD CONSTRAINT broken"
            " CHECK (event <> 'evidence:revealed') NOT VALID"
        )
    try:
        with pytest.raises(IntegrityError):
            examination.reveal(item, "to see it", by=factories.staff())
        assert not _looks(item)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE custody_custodyevent DROP CONSTRAINT broken")


def test_nobody_looks_at_a_quarantined_item(item: EvidenceItem) -> None:
    worker = factories.staff()
    examination.may_show_a_child(item.report, item.pk, by=worker)
    with pytest.raises(evidence.NotOpenable):
        examination.reveal(EvidenceItem.objects.get(pk=item.pk), "to see it", by=worker)
    assert not _looks(item)
