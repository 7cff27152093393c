"""What may show a child: it slips past no hand-over, no kind gets out, drafts are decided."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

import reporting.quarantine
from cases.casework import examination, quarantine
from cases.models import Disclosure, QuarantineDecision, Referral
from cases.operations.acting import acting_as
from cases.referrals import handover, recall, review
from cases.reports import reading
from reporting import consent, evidence, intake, messages, questions, retention
from reporting.actors import job
from reporting.custody.record import record, record_on_both
from reporting.models import (
    Answer,
    Consent,
    EvidenceItem,
    PartnerOffer,
    Quarantine,
    Report,
)
from tests import factories
from tests.attacks import forgery
from tests.attacks.tools import beside, content, waits_for_a_lock, withheld
from tests.cases.office import Desk, Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.usefixtures("papers_can_be_searched"),
]
SECONDS = 30


class Held:
    """Replaces a function by one that then stops until it is let go: now the other one comes."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, module: object, name: str, function: Any
    ) -> None:
        self.reached, self._go = threading.Event(), threading.Event()
        self._function: Callable[..., Any] = function
        monkeypatch.setattr(module, name, self._stop)

    def _stop(self, *arguments: Any, **options: Any) -> Any:
        result = self._function(*arguments, **options)
        self.reached.set()
        assert self._go.wait(SECONDS)
        return result

    def let_go(self) -> None:
        self._go.set()


class TestRaces:
    """Security review, 13: two connections, each stopped in the middle of its transaction."""

    def _quarantine(self, office: Office) -> None:
        examination.may_show_a_child(office.visit.report, office.file.pk, by=office.worker)

    def test_a_quarantine_waits_for_a_hand_over_and_closes_its_collection(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        referral = office.package().referral
        check = handover._check_nothing_quarantined_since
        held = Held(monkeypatch, handover, "_check_nothing_quarantined_since", check)
        handing = beside(lambda: handover.by_code(referral, by=office.worker))
        assert held.reached.wait(SECONDS)
        closing = beside(lambda: self._quarantine(office))
        assert waits_for_a_lock(closing)
        held.let_go()
        code = handing.result(SECONDS)
        closing.result(SECONDS)
        with pytest.raises(handover.UnknownCollection):
            handover.collected(code)

    def test_a_hand_over_waits_for_a_quarantine_and_is_refused(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        referral = office.package().referral
        held = Held(monkeypatch, recall, "close_collections", recall.close_collections)
        closing = beside(lambda: self._quarantine(office))
        assert held.reached.wait(SECONDS)
        handing = beside(lambda: handover.by_code(referral, by=office.worker))
        assert waits_for_a_lock(handing)
        held.let_go()
        closing.result(SECONDS)
        with pytest.raises(handover.ItemQuarantined):
            handing.result(SECONDS)
        assert not Disclosure.objects.exists()
        referral.refresh_from_db()
        assert referral.state == Referral.State.BUILT

    def test_a_partner_waits_for_a_quarantine_and_collects_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = handover.by_code(office.package().referral, by=office.worker)
        held = Held(monkeypatch, reporting.quarantine, "close", reporting.quarantine.close)
        closing = beside(lambda: self._quarantine(office))
        assert held.reached.wait(SECONDS)
        collecting = beside(lambda: handover.collected(code))
        assert waits_for_a_lock(collecting)
        held.let_go()
        closing.result(SECONDS)
        with pytest.raises(handover.UnknownCollection):
            collecting.result(SECONDS)
        assert Disclosure.objects.get().collected_at is None

    def test_a_partner_waits_for_taking_back_and_collects_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer of the function itself: whoever holds the partner door asks nothing else."""
        code = handover.by_code(office.package().referral, by=office.worker)
        offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
        consent.give(office.visit, offer, Consent.Answer.NEVER)
        held = Held(monkeypatch, recall, "record_on_both", record_on_both)
        taking_back = beside(recall.notice_withdrawn_consents)
        assert held.reached.wait(SECONDS)
        collecting = beside(lambda: _collect(code))
        assert waits_for_a_lock(collecting)
        held.let_go()
        assert taking_back.result(SECONDS) == 1
        assert not collecting.result(SECONDS)
        assert Disclosure.objects.get().collected_at is None

    def test_taking_back_waits_for_a_partner_and_knows_what_was_collected(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = handover.by_code(office.package().referral, by=office.worker)
        offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
        consent.give(office.visit, offer, Consent.Answer.NEVER)
        held = Held(monkeypatch, handover, "record", record)
        collecting = beside(lambda: handover.collected(code))
        assert held.reached.wait(SECONDS)
        taking_back = beside(recall.notice_withdrawn_consents)
        assert waits_for_a_lock(taking_back)
        held.let_go()
        collecting.result(SECONDS)
        assert taking_back.result(SECONDS) == 1
        assert [referral.pk for referral in recall.to_tell()] == [Disclosure.objects.get().pk]


def _collect(code: str) -> bool:
    with acting_as("partner"), connection.cursor() as cursor:
        cursor.execute("SELECT public.cases_collect(%s)", [code])
        return bool(cursor.fetchone()[0])


def test_locked_text_of_every_kind_is_on_no_page_and_in_no_package(
    running_opener: None, tmp_path: Path
) -> None:
    """Security review, 2: links, accounts, answers and messages, not files alone."""
    canaries = ["canary-answer", "canary-link", "@canary-account", "canary-message"]
    office = Office(
        {**factories.ADULT_EXTORTION, "words": "canary-answer"},
        lines=["https://example.org/canary-link"],
    )
    report = office.visit.report
    intake.add_lines(office.visit, EvidenceItem.Kind.ACCOUNT, ["@canary-account"])
    message = messages.write(office.visit, "canary-message")
    desk = Desk("reader", "supervisor")
    page = f"/office/case/{office.case.pk}/"
    shown = desk.does(page)
    assert [canary for canary in canaries if canary not in shown] == []

    answer = Answer.objects.get(report=report, question="words")
    link, account = (
        next(item for item in EvidenceItem.objects.filter(report=report, kind=kind) if canary in
             evidence.acquisition(item, office.visit.secret).text)
        for kind, canary in (("link", "canary-link"), ("account", "@canary-account"))
    )  # fmt: skip
    for thing in (answer, link, account, message):
        examination.may_show_a_child(report, thing.pk, by=office.worker)

    shown = desk.does(page)
    assert [canary for canary in canaries if canary in shown] == []
    opened = reading.read(report, office.visit.secret)
    for texts in (opened.said, opened.thread, [item.text for item in opened.items]):
        assert [canary for canary in canaries if canary in repr(texts)] == []
    referral = office.draft()
    papers = review.read(referral, by=office.worker)
    assert [canary for canary in canaries if canary in repr(papers)] == []

    package = office.unpacked(office.package(), tmp_path)
    assert [canary for canary in canaries if canary in content(package)] == []
    named = withheld(package)
    for thing in (answer, link, account):
        assert "locked: a child may be shown" in [
            why for what, why in named.items() if thing.pk in what
        ], thing.pk


def test_a_locked_thing_of_an_unsent_draft_is_listed_and_decided() -> None:
    """Security review, 16: nobody could see it, and the draft stayed for ever."""
    visit = factories.draft()
    item = factories.file(visit)
    intake.answer(visit, questions.BY_KEY["age"], "16_17")
    (waiting,) = quarantine.waiting()
    assert (waiting.quarantine.thing, waiting.kind, waiting.unsent) == (item.pk, "file", True)
    officer, supervisor = Desk("officer", "safeguarding"), Desk("second", "supervisor")
    page = "/office/locked/"
    assert "was not sent" in officer.sees(page)
    _idle_for(visit.report, settings.DRAFT_DAYS + 1)
    assert retention.expire_drafts(by=job("retention")) == 0

    proposed = officer.does(page, thing=item.pk, choice="destroyed", reason="authority ref 12")
    assert "A second person confirms it" in proposed
    decision = QuarantineDecision.objects.get()
    assert "ask the officer" in supervisor.does(page, read=str(decision.pk))
    assert "Confirmed" in supervisor.does(page, confirm=str(decision.pk))
    assert evidence.store().names() == []
    assert retention.expire_drafts(by=job("retention")) == 1


def _idle_for(report: Report, days: int) -> None:
    with factories.forging(), connection.cursor() as cursor:
        for table in ("answer", "evidenceitem"):
            cursor.execute(
                f"UPDATE reporting_{table} SET at = at - make_interval(days => %s) "
                "WHERE report_id = %s",
                [days, report.pk],
            )
        cursor.execute("DELETE FROM reporting_reportersession WHERE report_id = %s", [report.pk])
        cursor.execute(
            "UPDATE reporting_report SET started_at = started_at - make_interval(days => %s) "
            "WHERE id = %s",
            [days, report.pk],
        )


def test_a_package_states_the_ages_that_were_answered_and_who_released_the_file(
    office: Office, tmp_path: Path
) -> None:
    """Security review, 17: a package said yes where the reporter had answered no."""
    assert office.file.group is not None
    intake.change_file_group(office.visit, office.file.group, "no")
    closed = Quarantine.objects.get(thing=office.file.pk)
    officer = factories.staff("safeguarding")
    decision = quarantine.propose(closed, QuarantineDecision.Choice.RELEASED, "fine", by=officer)
    quarantine.confirm(decision, by=office.supervisor)
    package = office.unpacked(office.package(), tmp_path)
    record = json.loads((package / "data/exhibits/E0001/exhibit.json").read_text())
    answered = [
        json.loads((package / f"data/statement/answers/{answer}.json").read_text())["value"]
        for answer in record["answers_about_ages"]
    ]
    assert answered == ["yes", "no"]
    page = Desk("reader", "caseworker").does(f"/office/case/{office.case.pk}/")
    named = f"proposed by {officer.username}, confirmed by {office.supervisor.username}."
    assert named in " ".join(page.split())
    acts = [
        json.loads(path.read_text())
        for path in sorted((package / "data/custody/ledger").glob("*.json"))
    ]
    deciding = {act["event"]: act["actor"] for act in acts if act["object"] == office.file.pk}
    released = [act["at"] for act in acts if act["event"] == "quarantine:released"]
    assert record["released_from_quarantine_utc"] == released
    assert forgery.verify(package, Path(settings.CA_CERTIFICATE_FILE).parent).returncode == 0
    assert deciding["quarantine:released"] == office.supervisor.actor
    assert deciding["quarantine:proposed"] == officer.actor
