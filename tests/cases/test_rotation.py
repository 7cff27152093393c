"""The office key is replaced: everything opens with the new one, nothing with the old, and nothing can be lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from cases.operations import ceremony, rotation
from reporting import evidence
from reporting.actors import job
from reporting.custody.record import founding
from reporting.models import OfficeWrap
from reporting.vault import keys, opener
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]


def test_rotation(settings: Any, tmp_path: Any) -> None:
    visit, worker = factories.sent(), factories.staff()
    case = factories.case(visit, worker)
    draft = factories.draft()
    later = ceremony.hold(tmp_path / "new", operator="Test office")
    settings.OFFICE_PUBLIC_KEYS_FILE = later.folder / "office-public-keys"
    assert set(rotation.waiting()) == {visit.report.pk, case.pk}
    with pytest.raises(rotation.NotRenewedYet):
        rotation.drop_old(by=job("rotate"))
    for subject in rotation.waiting():
        rotation.renew(subject, by=job("rotate"))
    assert rotation.waiting() == []
    assert rotation.drop_old(by=job("rotate")) == 4
    new = keys.Secret((later.folder / "office.key").read_text())
    old = keys.Secret(settings.OFFICE_KEY_FILE.read_text())
    wraps = [
        bytes(wrap)
        for wrap in OfficeWrap.objects.filter(subject=visit.report.pk).values_list(
            "wrapped", flat=True
        )
    ]
    expected = founding(visit.report.pk).public_key
    assert opener._unwrap_any(wraps, [new], expected) == visit.secret
    with pytest.raises(opener.Refused):
        opener._unwrap_any(wraps, [old], expected)
    assert not OfficeWrap.objects.filter(subject=draft.report.pk).exists()
    with pytest.raises(opener.Refused):  # the opener of this test still holds the old key only
        evidence.office_key(visit.report.pk, "report:opened", detail={}, by=worker.actor)


def test_two_people_with_their_shares_open_what_the_office_opens(held: ceremony.Held) -> None:
    visit = factories.sent()
    paper = ceremony.try_paper(
        held.shares[1:], public_keys=(held.folder / "office-public-keys").read_text().split()
    )
    wraps = [
        bytes(wrap)
        for wrap in OfficeWrap.objects.filter(subject=visit.report.pk).values_list(
            "wrapped", flat=True
        )
    ]
    assert opener._unwrap_any(wraps, [paper], founding(visit.report.pk).public_key) == visit.secret
    with pytest.raises(ceremony.PaperDoesNotOpen):
        ceremony.try_paper(held.shares[:1], public_keys=[])
