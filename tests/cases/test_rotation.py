"""Replacing the office key: every subject opens with the new key and none with the old."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from cases.operations import ceremony, rotation
from cases.operations.acting import acting_as
from reporting import evidence, office
from reporting.actors import job
from reporting.custody.record import founding
from reporting.models import OfficeWrap
from reporting.vault import keys, opener
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def later(settings: Any, tmp_path: Path) -> ceremony.Held:
    """A second ceremony; the opener holds the old and the new key from its start on."""
    later = ceremony.hold(tmp_path / "new", operator="Test office")
    both = tmp_path / "both.key"
    old = settings.OFFICE_KEY_FILE.read_text()
    both.write_text(f"{old.strip()}\n{(later.folder / 'office.key').read_text().strip()}\n")
    settings.OFFICE_KEY_FILE = both
    return later


def _in_force(settings: Any, later: ceremony.Held) -> None:
    settings.OFFICE_PUBLIC_KEYS_FILE = later.folder / "office-public-keys"


def _wraps(subject: str) -> list[bytes]:
    rows = OfficeWrap.objects.filter(subject=subject).order_by("id")
    return [bytes(wrapped) for wrapped in rows.values_list("wrapped", flat=True)]


def _key_ids(subject: str) -> set[str]:
    return set(OfficeWrap.objects.filter(subject=subject).values_list("key_id", flat=True))


def test_rotation(settings: Any, later: ceremony.Held, running_opener: None) -> None:
    visit, worker = factories.sent(), factories.staff()
    case = factories.case(visit, worker)
    draft = factories.draft()
    _in_force(settings, later)
    assert set(rotation.waiting()) == {visit.report.pk, case.pk}
    with pytest.raises(CommandError, match="nothing was dropped"):
        call_command("rotate_office_key", drop_old=True)
    call_command("rotate_office_key")
    assert rotation.waiting() == []
    assert set(rotation.with_old()) == {visit.report.pk, case.pk}
    call_command("rotate_office_key", drop_old=True)
    assert rotation.with_old() == []
    old_line, new_line = settings.OFFICE_KEY_FILE.read_text().split()
    expected = founding(visit.report.pk).public_key
    wraps = _wraps(visit.report.pk)
    assert opener._unwrap_any(wraps, [keys.Secret(new_line)], expected) == visit.secret
    with pytest.raises(opener.Refused):
        opener._unwrap_any(wraps, [keys.Secret(old_line)], expected)
    assert not _wraps(draft.report.pk)
    secret = evidence.office_key(visit.report.pk, "report:opened", detail={}, by=worker.actor)
    assert secret == visit.secret


def test_a_wrap_that_does_not_open_stops_the_dropping_and_drops_nothing(
    settings: Any, later: ceremony.Held, running_opener: None
) -> None:
    """A wrap counts for nothing because it is there (security review, 6)."""
    visit = factories.sent()
    _in_force(settings, later)
    with factories.forging():
        for public_key in office.public_keys():
            OfficeWrap.objects.create(
                subject=visit.report.pk, key_id=keys.key_id(public_key), wrapped=b"\x01junk"
            )
    assert rotation.waiting() == []
    before = _wraps(visit.report.pk)
    with pytest.raises(opener.Refused, match="no wrap opens"):
        rotation.drop_old(visit.report.pk, by=job("rotate"))
    assert _wraps(visit.report.pk) == before
    with pytest.raises(CommandError, match="Stopped after 0"):
        call_command("rotate_office_key", drop_old=True)
    assert _wraps(visit.report.pk) == before
    # Wrapped anew, the junk is gone; then the old ones may go.
    rotation.renew(visit.report.pk, by=job("rotate"))
    rotation.drop_old(visit.report.pk, by=job("rotate"))
    assert _key_ids(visit.report.pk) == {keys.key_id(key) for key in office.public_keys()}
    new = keys.Secret(settings.OFFICE_KEY_FILE.read_text().split()[1])
    expected = founding(visit.report.pk).public_key
    assert opener._unwrap_any(_wraps(visit.report.pk), [new], expected) == visit.secret


@pytest.mark.parametrize("door", ["public", "partner", "staff", "worker"])
def test_junk_wraps_cannot_be_put_beside_those_of_a_sent_report(door: str) -> None:
    visit = factories.sent()
    before = _wraps(visit.report.pk)
    statements: list[tuple[str, list[Any]]] = [
        ("SELECT public.reporting_wrap_for_office(%s, %s, %s)", [["0" * 16], [b"\x01"]]),
        ("SELECT public.reporting_replace_wraps(%s, %s, %s, true)", [["0" * 16], [b"\x01"]]),
        ("DELETE FROM public.reporting_officewrap WHERE subject = %s", []),
    ]
    if door != "staff":  # the staff door wraps the key of a case that it opens
        statements += [
            (
                "INSERT INTO public.reporting_officewrap (subject, key_id, wrapped) "
                "VALUES (%s, '0000000000000000', '\\x01')",
                [],
            )
        ]
    for statement, more in statements:
        with acting_as(door), pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement, [visit.report.pk, *more])
    assert _wraps(visit.report.pk) == before


def test_two_people_with_their_shares_open_what_the_office_opens(held: ceremony.Held) -> None:
    visit = factories.sent()
    paper = ceremony.try_paper(
        held.shares[1:], public_keys=(held.folder / "office-public-keys").read_text().split()
    )
    expected = founding(visit.report.pk).public_key
    assert opener._unwrap_any(_wraps(visit.report.pk), [paper], expected) == visit.secret
    with pytest.raises(ceremony.PaperDoesNotOpen):
        ceremony.try_paper(held.shares[:1], public_keys=[])
