"""The database's owner switches the triggers off and changes what the office decided: to whom a
package goes, what is in it, which reports a case has, who can open a report.

Each change is named, and a hand-over that is not as recorded is frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from cases import records
from cases.casework import acts
from cases.errors import NotAsRecorded
from cases.models import Case, CaseReport, Disclosure, Package, PartnerKey, Referral
from cases.operations.acting import acting_as
from cases.referrals import disclosure, handover
from cases.triage import decisions
from reporting.models import OfficeWrap, Report, ReturnCodeWrap
from reporting.vault import keys
from tests import factories
from tests.cases.office import Desk, Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("openssl")]
Change = Callable[[Office, Referral], object]


def _named() -> list[str]:
    return sorted(fault.id for fault in records.faults())


def _set(**columns: object) -> Change:
    return lambda _office, referral: Referral.objects.filter(pk=referral.pk).update(**columns)


def _other_key(office: Office, referral: Referral) -> None:
    """The package would be encrypted for somebody who is no partner."""
    PartnerKey.objects.update(public_key=keys.public_key_of(keys.new_secret()))


def _other_partner(office: Office, referral: Referral) -> None:
    other = factories.partner_key(keys.new_secret(), by=office.worker, checked_by=office.supervisor)
    Referral.objects.filter(pk=referral.pk).update(partner_key=other)


def _other_preparer(office: Office, referral: Referral) -> None:
    Referral.objects.filter(pk=referral.pk).update(prepared_by=factories.staff())


def _approved(office: Office, referral: Referral) -> None:
    Referral.objects.filter(pk=referral.pk).update(
        state="approved", approved_by=office.supervisor, approved_at=timezone.now()
    )


@pytest.mark.parametrize(
    "change",
    [
        _other_key,
        _other_partner,
        _other_preparer,
        _approved,
        _set(items=[]),
        _set(prepared_at=timezone.now() - timedelta(days=9)),
        _set(legal_basis="court_order"),
        _set(consent=None, legal_basis="other"),
        _set(profile="other"),
        _set(lane="emergency"),
    ],
)
def test_a_changed_referral_is_named_and_goes_no_further(office: Office, change: Change) -> None:
    referral = office.draft()
    assert _named() == []
    with factories.forging():
        change(office, referral)
    assert _named() == [referral.pk]

    referral = Referral.objects.get(pk=referral.pk)
    with pytest.raises(NotAsRecorded):
        disclosure.approve(referral, by=office.supervisor)
    with pytest.raises(NotAsRecorded):
        disclosure.package(referral)
    page = Desk("reader", "supervisor").sees(f"/office/referral/{referral.pk}/")
    assert "Not as recorded" in page
    assert not Package.objects.exists()


def test_a_referral_from_nowhere_and_one_that_is_gone_are_named(office: Office) -> None:
    gone = office.draft()
    with factories.forging():
        Referral.objects.filter(pk=gone.pk).delete()
        stray = Referral.objects.create(
            case=office.case,
            report=office.visit.report,
            partner_key=office.partner_key,
            legal_basis="other",
            prepared_by=office.worker,
        )
    assert _named() == sorted([gone.pk, stray.pk])


@pytest.mark.parametrize(
    "change",
    [
        {"encrypted_sha256": "0" * 64},
        {"vault_name": "0" * 32},
        {"encrypted_size": 1},
        {"items": []},
        {"name": "EVP-other"},
    ],
)
def test_a_changed_package_is_named_and_is_not_handed_over(
    office: Office, change: dict[str, object]
) -> None:
    package = office.package()
    with factories.forging():
        Package.objects.filter(pk=package.pk).update(**change)
    assert _named() == [package.pk]
    with pytest.raises(NotAsRecorded):
        handover.by_code(package.referral, by=office.worker)
    with pytest.raises(NotAsRecorded):
        handover.in_person(package.referral, by=office.worker)


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() + timedelta(days=900)},
        {"disclosed_at": timezone.now() - timedelta(days=9)},
        {"answer": "received", "acknowledged_at": timezone.now()},
        {"told_at": timezone.now()},
    ],
)
def test_a_changed_disclosure_is_named_and_is_not_collected(
    office: Office, change: dict[str, object]
) -> None:
    package = office.package()
    code = handover.by_code(package.referral, by=office.worker)
    assert handover.find(code).collectable
    with factories.forging():
        Disclosure.objects.update(**change)
    assert _named() == [package.pk]
    assert not handover.find(code).collectable
    with pytest.raises(handover.UnknownCollection):
        handover.collected(code)


def test_a_disclosure_that_is_gone_is_named(office: Office) -> None:
    package = office.package()
    handover.by_code(package.referral, by=office.worker)
    with factories.forging():
        Disclosure.objects.all().delete()
    assert _named() == [package.pk]


def _another_report(case: Case) -> None:
    CaseReport.objects.create(case=case, report=Report.objects.exclude(case_report__case=case)[0])


def _no_report(case: Case) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cases_casereport WHERE case_id = %s", [case.pk])


@pytest.mark.parametrize(
    "change",
    [
        _another_report,
        _no_report,
        lambda case: Case.objects.update(state="closed"),
        lambda case: Case.objects.update(assigned_to=None),
        lambda case: Case.objects.update(opened_at=timezone.now()),
        lambda case: OfficeWrap.objects.filter(subject=case.pk).delete(),
    ],
)
def test_a_changed_case_is_named_and_marked(
    office: Office, change: Callable[[Case], object]
) -> None:
    other = factories.sent()
    with factories.forging():
        change(office.case)
    assert _named() == [office.case.pk]
    page = Desk("reader", "caseworker").sees(f"/office/case/{office.case.pk}/")
    assert "Not as recorded" in page
    assert "Next step" not in page
    with pytest.raises(NotAsRecorded):
        acts.move(office.case, Case.State.ASSESSMENT, by=office.worker)
    with pytest.raises(NotAsRecorded):
        decisions.join(other.report, office.case, by=office.worker)


@pytest.mark.parametrize(
    "change",
    [
        lambda report: Report.objects.update(started_at=timezone.now()),
        lambda report: Report.objects.update(submitted_at=timezone.now()),
        lambda report: ReturnCodeWrap.objects.update(lookup="0" * 64),
        lambda report: ReturnCodeWrap.objects.update(wrapped=b"\x01junk"),
        lambda report: ReturnCodeWrap.objects.all().delete(),
        lambda report: OfficeWrap.objects.filter(subject=report.pk)[0].delete(),
        lambda report: OfficeWrap.objects.create(subject=report.pk, key_id="x", wrapped=b"\x01"),
        lambda report: OfficeWrap.objects.filter(subject=report.pk).update(wrapped=b"\x01"),
    ],
)
def test_a_report_with_other_times_or_other_wraps_is_named(
    change: Callable[[Report], object],
) -> None:
    visit = factories.sent()
    assert _named() == []
    with factories.forging():
        change(visit.report)
    assert _named() == [visit.report.pk]


def test_a_report_that_is_gone_is_named() -> None:
    visit = factories.draft()
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM reporting_report")
    assert _named() == [visit.report.pk]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_referral SET state = 'approved', approved_at = now(), "
        "approved_by_id = (SELECT max(id) FROM staff_staffmember WHERE id <> prepared_by_id)",
        "UPDATE cases_referral SET items = '[]'",
        "UPDATE cases_disclosure SET expires_at = now() + interval '9 years'",
        "UPDATE cases_disclosure SET taken_back_at = NULL, token_hash = 'x'",
        "UPDATE cases_case SET state = 'closed'",
    ],
)
def test_the_staff_role_changes_nothing_without_an_act(office: Office, statement: str) -> None:
    package = office.package()
    handover.by_code(package.referral, by=office.worker)
    office.draft()
    refused = pytest.raises(IntegrityError, match="is not what an act recorded")
    with acting_as("staff"), refused, connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_sent_report_is_not_sent_again() -> None:
    """The act alone would give it another time."""
    visit = factories.sent()
    sent_at = Report.objects.get(pk=visit.report.pk).submitted_at
    refused = pytest.raises(IntegrityError, match="only a draft is sent")
    with acting_as("public"), refused, connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.custody_append(%s, 'report:submitted', 'reporter', %s, "
            "decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), '', '', NULL)",
            [visit.report.pk, visit.report.pk],
        )
    assert Report.objects.get(pk=visit.report.pk).submitted_at == sent_at
