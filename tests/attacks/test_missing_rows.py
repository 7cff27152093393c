"""A row whose absence would permit something: the database's owner deletes it or sets it back, and
the ledger still decides, at once and not at night.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from cases import tasks
from cases.casework import examination
from cases.errors import NotAsRecorded
from cases.models import Disclosure, Package
from cases.operations.acting import acting_as
from cases.referrals import handover, recall
from cases.reports import reading
from reporting import (
    age_gate,
    answers,
    consent,
    evidence,
    intake,
    on_record,
    quarantine,
    questions,
    retention,
    visibility,
)
from reporting.actors import job
from reporting.custody.models import CustodyEvent
from reporting.custody.record import record
from reporting.models import Answer, Consent, PartnerOffer, Quarantine, Report
from reporting.sessions import Visit
from tests import factories
from tests.attacks.tools import content
from tests.cases.office import PHOTO, Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.usefixtures("papers_can_be_searched"),
]


def _deleted() -> None:
    with factories.forging():
        Quarantine.objects.all().delete()


def _set_free() -> None:
    with factories.forging():
        Quarantine.objects.update(state=Quarantine.State.RELEASED)


@pytest.fixture(params=[_deleted, _set_free])
def lose_the_row(request: pytest.FixtureRequest) -> Callable[[], None]:
    lose: Callable[[], None] = request.param
    return lose


class TestQuarantine:
    def _closed(self, office: Office) -> str:
        examination.may_show_a_child(office.file.report, office.file.pk, by=office.worker)
        return office.file.pk

    def test_nobody_looks_at_it_and_it_is_in_no_package(
        self, office: Office, tmp_path: Path, lose_the_row: Callable[[], None]
    ) -> None:
        thing = self._closed(office)
        lose_the_row()
        known = on_record.of(office.visit.report.pk, office.visit.secret)
        (shown,) = [item for item in reading.items(known) if item.entry.id == thing]
        assert (shown.fault, shown.name) == (reading.CLOSED, "")
        with pytest.raises(evidence.NotOpenable, match="locked"):
            examination.reveal(office.file, "to see it", by=office.worker)
        with pytest.raises(evidence.NotOpenable, match="locked"):
            list(evidence.open_sealed(shown.entry, office.visit.secret))
        factories.sweep()
        assert not CustodyEvent.objects.filter(event="evidence:measured").exists()
        assert PHOTO[:200].decode(errors="replace") not in content(
            office.unpacked(office.package(), tmp_path)
        )

    def test_what_was_built_before_is_neither_handed_over_nor_collected(
        self, office: Office, lose_the_row: Callable[[], None]
    ) -> None:
        code = handover.by_code(office.package().referral, by=office.worker)
        with acting_as("public"):  # which closes no collection
            quarantine.close(office.visit.report.pk, office.file.pk, reason="an answer")
        lose_the_row()
        assert not handover.find(code).collectable
        with pytest.raises(handover.UnknownCollection):
            handover.collected(code)
        with pytest.raises(handover.ItemQuarantined):
            handover._check_nothing_quarantined_since(Package.objects.get().referral)

    def test_it_is_closed_again_where_the_row_says_closed_and_the_ledger_released(
        self, office: Office
    ) -> None:
        with factories.forging():
            Quarantine.objects.create(thing=office.file.pk, report=office.visit.report)
        self._closed(office)
        with pytest.raises(evidence.NotOpenable, match="locked"):
            examination.reveal(office.file, "to see it", by=office.worker)

    def test_its_draft_keeps_it(self, lose_the_row: Callable[[], None]) -> None:
        visit = factories.draft()
        item = factories.file(visit)
        intake.answer(visit, questions.BY_KEY["age"], "16_17")
        lose_the_row()
        with pytest.raises(evidence.NotOpenable):
            evidence.remove_from_draft(visit, item.pk)
        _idle(visit)
        assert retention.expire_drafts(by=job("retention")) == 0

    def test_the_night_destroys_nothing_that_two_people_did_not_decide(
        self, office: Office
    ) -> None:
        self._closed(office)
        with factories.forging():
            Quarantine.objects.update(state=Quarantine.State.DESTROYED)
        tasks.rehash()
        assert office.file.vault_name in evidence.store().names()


def _idle(visit: Visit) -> None:
    with factories.forging(), connection.cursor() as cursor:
        for statement in (
            "UPDATE reporting_answer SET at = at - make_interval(days => %s)",
            "UPDATE reporting_evidenceitem SET at = at - make_interval(days => %s)",
            "UPDATE reporting_reportersession SET used_at = used_at - make_interval(days => %s)",
            "UPDATE reporting_report SET started_at = started_at - make_interval(days => %s)",
        ):
            cursor.execute(statement, [settings.DRAFT_DAYS + 1])


def test_a_sent_report_is_not_forgotten_as_a_draft() -> None:
    visit = factories.sent()
    with factories.forging():
        Report.objects.update(state=Report.State.DRAFT, submitted_at=None)
    _idle(visit)
    assert retention.expire_drafts(by=job("retention")) == 0
    words = Answer.objects.get(question="words")
    with pytest.raises(answers.CannotTakeOut):
        answers.take_out(visit, words.pk)
    assert Answer.objects.filter(pk=words.pk).exists()


def test_a_file_that_failed_its_check_stays_frozen(office: Office) -> None:
    """Its row still says that it is kept."""
    referral = office.package().referral
    with acting_as("worker"):
        record(
            office.visit.report.pk,
            "evidence:integrity_failed",
            actor=job("verify"),
            detail={},
            about=office.file.pk,
        )
    with pytest.raises(handover.ItemQuarantined):
        handover.by_code(referral, by=office.worker)
    with pytest.raises(evidence.NotOpenable, match="frozen"):
        examination.reveal(office.file, "to see it", by=office.worker)
    known = on_record.of(office.visit.report.pk, office.visit.secret)
    (shown,) = [item for item in reading.items(known) if item.entry.id == office.file.pk]
    assert not shown.openable


def _consent_gone(never: Consent) -> None:
    Consent.objects.filter(pk=never.pk).delete()


def _consent_changed(never: Consent) -> None:
    Consent.objects.filter(pk=never.pk).update(statement="{}", answer=Consent.Answer.YES)


def _consent_moved(never: Consent) -> None:
    Consent.objects.filter(pk=never.pk).update(at="2026-01-01T00:00:00Z")


def _detail_shredded(never: Consent) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM custody_custodydetail WHERE event_id = "
            "(SELECT id FROM custody_custodyevent WHERE object = %s)",
            [never.pk],
        )


@pytest.mark.parametrize(
    "lose", [_consent_gone, _consent_changed, _consent_moved, _detail_shredded]
)
def test_a_yes_that_was_taken_back_stays_taken_back(
    office: Office, lose: Callable[[Consent], None]
) -> None:
    code = handover.by_code(office.package().referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    never = consent.give(office.visit, offer, Consent.Answer.NEVER)
    with factories.forging():
        lose(never)
    for key in (None, office.visit.secret):
        with pytest.raises(consent.ConsentMissing):
            consent.current(office.visit.report, offer.partner, offer.name, key)
    assert recall.notice_withdrawn_consents() == 1
    with pytest.raises(handover.UnknownCollection):
        handover.find(code)


def test_what_was_recalled_is_not_collected_whatever_the_hand_over_says(office: Office) -> None:
    """The staff door's role cannot write so without an act; the database's owner can."""
    code = handover.by_code(office.package().referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)
    recall.notice_withdrawn_consents()
    with factories.forging():
        Disclosure.objects.update(taken_back_at=None, expires_at="2099-01-01T00:00:00Z")
    assert not handover.find(code).collectable
    with pytest.raises(handover.UnknownCollection):
        handover.collected(code)


def test_a_package_is_not_carried_again_after_the_yes_was_taken_back(office: Office) -> None:
    referral = office.package().referral
    handover.in_person(referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)
    recall.notice_withdrawn_consents()
    with factories.forging():
        Disclosure.objects.update(taken_back_at=None)
    with pytest.raises(NotAsRecorded):
        handover.in_person(referral, by=office.worker)


@pytest.mark.parametrize("detail_too", [False, True])
def test_an_answer_that_closed_the_way_for_files_closes_it_when_its_row_is_gone(
    detail_too: bool,
) -> None:
    visit = factories.draft()
    group = intake.open_file_group(visit, "yes")
    intake.change_file_group(visit, group, "no")
    no = Answer.objects.filter(group=group).latest("at")
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM reporting_answer WHERE id = %s", [no.pk])
        if detail_too:
            cursor.execute(
                "DELETE FROM custody_custodydetail WHERE event_id = "
                "(SELECT id FROM custody_custodyevent WHERE object = %s)",
                [no.pk],
            )
    with pytest.raises(age_gate.BytesNotTaken):
        intake.check_may_send_files(visit, group)


def test_an_answer_that_closed_the_way_for_files_closes_it_when_its_row_is_moved() -> None:
    visit = factories.draft()
    group, other = (intake.open_file_group(visit, "yes") for _ in range(2))
    intake.change_file_group(visit, group, "no")
    no = Answer.objects.filter(group=group).latest("at")
    with factories.forging():
        Answer.objects.filter(pk=no.pk).update(group=other)
    with pytest.raises(age_gate.BytesNotTaken):
        intake.check_may_send_files(visit, group)
    intake.check_may_send_files(visit, other)


def test_a_choice_to_hide_hides_when_its_row_is_gone() -> None:
    visit = factories.draft({**factories.ADULT_EXTORTION, "show_again": "yes"})
    intake.answer(visit, questions.BY_KEY["show_again"], "no")
    intake.submit(visit)
    visit.report.refresh_from_db()
    no = Answer.objects.filter(question="show_again").latest("at")
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM reporting_answer WHERE id = %s", [no.pk])
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
    assert not visibility.shows_everything(visit, answers.read(known.answers, visit.secret))
