"""Deciding, referring, telling: who may, who may not, and what each refusal says."""

from __future__ import annotations

import io
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from PIL import Image

from cases import partners
from cases.casework import acts, examination
from cases.errors import NotNext, ReasonMissing
from cases.models import Case, PartnerKey, Referral
from cases.operations.seed import photo
from cases.previews import sandbox
from cases.referrals import disclosure, emergency, handover, review
from cases.staff import roles
from cases.triage import decisions, priority, queue
from reporting import consent, evidence, intake
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, EvidenceItem, Look, PartnerOffer, Report
from reporting.vault import keys
from tests import factories
from tests.conftest import count

pytestmark = pytest.mark.django_db(transaction=True)


class TestPriority:
    @pytest.mark.parametrize(
        ("answers", "band"),
        [
            ({"safe": "no"}, priority.P0),
            ({"safe": "yes", "age": "13_15", "what": ["grooming"]}, priority.P0),
            ({"safe": "yes", "age": "adult", "what": ["sadistic"]}, priority.P0),
            (
                {"safe": "yes", "age": "adult", "what": ["trafficking"], "control": "yes"},
                priority.P0,
            ),
            ({"safe": "not_sure", "age": "adult", "what": ["abuse"]}, priority.P1),
            (
                {
                    "safe": "yes",
                    "age": "adult",
                    "what": ["financial_extortion"],
                    "deadline": "Friday",
                },
                priority.P1,
            ),
            ({"safe": "yes", "age": "adult", "what": ["financial_extortion"]}, priority.P2),
            ({"safe": "yes", "age": "adult", "what": ["abuse"]}, priority.P3),
        ],
    )
    def test_band(self, answers: dict[str, Any], band: int) -> None:
        assert priority.score(priority.Facts(answers))[0] == band

    @pytest.mark.parametrize("silent", ["safe", "age", "what"])
    def test_silence_is_not_safety(self, silent: str) -> None:
        answers: dict[str, Any] = {"safe": "yes", "age": "adult", "what": ["abuse"]}
        del answers[silent]
        band, reasons = priority.score(priority.Facts(answers))
        assert band < priority.P3
        assert reasons

    def test_completeness_is_not_priority(self) -> None:
        full = priority.Facts(
            {"safe": "yes", "age": "adult", "what": ["abuse"], "words": "x"},
            links=9,
            accounts=9,
            files=9,
        )
        bare = priority.Facts({"safe": "no"})
        assert priority.score(full)[0] > priority.score(bare)[0]
        assert priority.actionability(full) > priority.actionability(bare)


def test_the_queue_is_ordered_by_band_then_by_waiting(running_opener: None) -> None:
    calm = factories.sent({"safe": "yes", "age": "adult", "what": ["abuse"]})
    danger = factories.sent({"safe": "no", "what": ["stalking"]})
    danger_later = factories.sent({"safe": "no", "what": ["stalking"]})
    unseen = factories.sent({"words": "x"})
    for one in (calm, danger_later, danger):
        queue.assess(one.report)
    lines = queue.waiting()
    assert [line.report.pk for line in lines] == [
        one.report.pk for one in (unseen, danger, danger_later, calm)
    ]


def test_the_next_page_begins_after_each_line_also_between_equal_times(
    running_opener: None,
) -> None:
    visits = [factories.sent({"safe": "yes", "age": "adult", "what": ["abuse"]})]
    visits += [factories.sent({"safe": "no", "what": ["stalking"]}) for _ in range(3)]
    together = visits[1].report.submitted_at
    Report.objects.filter(pk=visits[2].report.pk).update(submitted_at=together)
    for visit in visits:
        queue.assess(visit.report)
    unseen = factories.sent({"words": "x"})
    (first, *lines) = queue.waiting()
    assert first.report.pk == unseen.report.pk
    assert len(lines) == 4
    for position, line in enumerate(lines, start=1):
        assert line.assessment is not None
        assert line.report.submitted_at is not None
        last = queue.After(line.assessment.band, line.report.submitted_at, line.report.pk)
        assert queue.waiting(last) == lines[position:]


def test_accepting_writes_both_chains_each_naming_the_others_head() -> None:
    visit, worker = factories.sent(), factories.staff()
    case = factories.case(visit, worker)
    on_report = CustodyEvent.objects.get(subject=visit.report.pk, event="report:accepted")
    assert CustodyEvent.objects.filter(subject=case.pk, event="case:report_accepted").exists()
    assert CustodyEvent.objects.filter(
        subject=visit.report.pk, event="report:bound", seq=on_report.seq + 1
    ).exists()


def test_of_two_who_decide_at_once_one_does() -> None:
    visit, worker, other = factories.sent(), factories.staff(), factories.staff()
    stale = Report.objects.get(pk=visit.report.pk)
    decisions.accept(visit.report, by=worker)
    with pytest.raises(decisions.AlreadyDecided, match="Nothing was changed"):
        decisions.accept(stale, by=other)
    assert Case.objects.count() == 1


def test_steps_of_a_case_cannot_be_skipped() -> None:
    worker = factories.staff()
    case = factories.case(factories.sent(), worker)
    with pytest.raises(NotNext):
        acts.move(case, Case.State.CLOSED, by=worker)
    acts.move(case, Case.State.ASSESSMENT, by=worker)


def test_each_role_may_what_its_prose_says() -> None:
    case = {key: factories.staff(key) for key in roles.ALL}
    for key, role in roles.ALL.items():
        for permission in roles.May:
            assert case[key].may(permission) == (permission in role.permissions)
            if permission not in role.permissions:
                with pytest.raises(PermissionDenied, match=permission.value):
                    case[key].check_may(permission)


class Office:
    def __init__(self) -> None:
        self.worker, self.supervisor = factories.staff(), factories.staff("supervisor")
        self.visit = factories.sent()
        self.case = factories.case(self.visit, self.worker)
        self.partner_key: PartnerKey = factories.partner_key(
            keys.new_secret(), by=self.worker, checked_by=self.supervisor
        )

    def draft(self, **options: Any) -> Referral:
        return disclosure.draft(
            self.case, self.visit.report, self.partner_key, items=[], by=self.worker, **options
        )


@pytest.fixture
def office() -> Office:
    return Office()


class TestReferral:
    def test_without_consent_or_basis_nothing_is_prepared(self, office: Office) -> None:
        with pytest.raises(consent.ConsentMissing):
            office.draft()
        assert not Referral.objects.exists()

    def test_a_legal_basis_says_which(self, office: Office) -> None:
        with pytest.raises(disclosure.BasisMissing, match="which order or law"):
            office.draft(legal_basis="court_order", words="  ")
        assert not Referral.objects.exists()

    def test_whoever_approves_reads_what_would_go_and_why(
        self, office: Office, running_opener: None
    ) -> None:
        referral = office.draft(legal_basis="court_order", words="order 7")
        papers = review.read(referral, by=office.supervisor)
        assert papers.basis == "An order of a court or prosecutor: order 7"
        assert any("They want 500" in line for said in papers.statement for line in said.lines)
        assert any("Are you safe right now?" in one["what"] for one in papers.withheld)
        assert (
            Look.objects.filter(
                report=office.visit.report, act__contains="what is to go to"
            ).count()
            == 1
        )
        officer = factories.staff("safeguarding")
        with pytest.raises(PermissionDenied):
            review.read(referral, by=officer)

    def test_whoever_prepared_cannot_approve(self, office: Office) -> None:
        referral = disclosure.draft(
            office.case,
            office.visit.report,
            office.partner_key,
            items=[],
            legal_basis="court_order",
            words="order 7",
            by=office.supervisor,
        )
        with pytest.raises(disclosure.SamePerson, match="somebody else"):
            disclosure.approve(referral, by=office.supervisor)
        referral.refresh_from_db()
        assert referral.state == Referral.State.PREPARED

    def test_the_database_refuses_it_too(self, office: Office) -> None:
        referral = office.draft(legal_basis="court_order", words="order 7")
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=referral.pk).update(
                approved_by=office.worker, approved_at=timezone.now()
            )
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=referral.pk).update(state=Referral.State.APPROVED)

    def test_a_consent_that_ended_since_stops_the_approval(self, office: Office) -> None:
        factories.yes(office.visit, office.partner_key)
        referral = office.draft()
        offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
        consent.give(office.visit, offer, Consent.Answer.NOT_NOW, by=office.worker.actor)
        with pytest.raises(consent.ConsentMissing):
            disclosure.approve(referral, by=office.supervisor)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda r: r.update(checked_by=None, checked_at=None),
            lambda r: r.update(expires_at=timezone.now() - timedelta(days=1)),
        ],
    )
    def test_a_key_unchecked_or_expired_is_refused(
        self, office: Office, spoil: Callable[[Any], object]
    ) -> None:
        spoil(PartnerKey.objects.filter(pk=office.partner_key.pk))
        office.partner_key.refresh_from_db()
        with pytest.raises(disclosure.PartnerKeyNotReady):
            office.draft(legal_basis="court_order", words="order 7")

    def test_a_key_is_compared_by_a_second_person(self, office: Office) -> None:
        mine = partners.add_key(
            office.partner_key.partner, keys.public_key_of(keys.new_secret()), by=office.supervisor
        )
        with pytest.raises(PermissionDenied):
            partners.check_key(mine, by=office.supervisor)
        with pytest.raises(partners.NotAnAgeKey):
            partners.add_key(office.partner_key.partner, "age1nonsense", by=office.supervisor)

    def test_a_code_that_is_not_known_or_too_old_collects_nothing(self, office: Office) -> None:
        with pytest.raises(handover.UnknownCollection):
            handover.find("0" * 40)


class TestEmergency:
    def test_one_person_alone_and_a_second_reads_and_reviews(
        self, office: Office, running_opener: None
    ) -> None:
        told = emergency.tell(office.case, office.visit.report, told_to="999", called_back="999", said="her address",
                              threat_to_life=True, by=office.worker)  # fmt: skip
        assert Look.objects.filter(
            report=office.visit.report, act__contains="life was in danger"
        ).exists()
        assert review.read(told, by=office.supervisor).told == {
            "told_to": "999",
            "called_back": "999",
            "said": "her address",
        }
        with pytest.raises(disclosure.SamePerson):
            emergency.review(told, by=_promoted(office))
        emergency.review(told, by=office.supervisor)
        assert emergency.unreviewed() == []

    def test_without_a_threat_to_life_the_lane_is_shut(self, office: Office) -> None:
        with pytest.raises(disclosure.BasisMissing):
            emergency.tell(
                office.case,
                office.visit.report,
                told_to="a",
                called_back="b",
                said="c",
                threat_to_life=False,
                by=office.worker,
            )
        assert not Referral.objects.exists()


def _promoted(office: Office) -> Any:
    office.worker.role = "supervisor"
    office.worker.save()
    return office.worker


class TestLooking:
    @pytest.fixture
    def item(self, running_opener: None) -> EvidenceItem:
        visit = factories.draft()
        item = factories.file(visit, photo("hello"))
        intake.submit(visit)
        factories.case(visit, factories.staff())
        return item

    def test_a_look_needs_a_reason_and_is_on_her_list(self, item: EvidenceItem) -> None:
        worker = factories.staff()
        with pytest.raises(ReasonMissing):
            examination.reveal(item, "  ", by=worker)
        assert not Look.objects.filter(act="looked at a file").exists()
        revealed = examination.reveal(item, "to see the threat", by=worker)
        assert revealed.picture is not None
        assert revealed.picture.startswith(b"\x89PNG")
        assert Look.objects.filter(report=item.report, act="looked at a file").count() == 1

    def test_if_the_ledger_cannot_be_written_nothing_is_shown(self, item: EvidenceItem) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE custody_custodyevent ADD CONSTRAINT broken CHECK (event <> 'evidence:revealed') NOT VALID"
            )
        try:
            with pytest.raises(IntegrityError):
                examination.reveal(item, "to see it", by=factories.staff())
            assert not Look.objects.filter(act="looked at a file").exists()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE custody_custodyevent DROP CONSTRAINT broken")

    def test_locked_means_nobody_looks(self, item: EvidenceItem) -> None:
        worker = factories.staff()
        examination.may_show_a_child(item, by=worker)
        with pytest.raises(evidence.NotOpenable):
            examination.reveal(EvidenceItem.objects.get(pk=item.pk), "to see it", by=worker)
        stale = item  # a page that was open before the item was locked
        stale.state = EvidenceItem.State.KEPT
        with pytest.raises(evidence.NotOpenable):
            examination.reveal(stale, "to see it", by=worker)


class TestSandbox:
    @pytest.mark.parametrize(
        "hostile",
        [
            b"",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"%PDF-1.7",
            b"\x89PNG\r\n\x1a\n" + b"x" * 99,
        ],
    )
    def test_what_is_no_picture_is_said(self, hostile: bytes) -> None:
        with pytest.raises(sandbox.NotShown):
            sandbox.still(hostile)

    def test_a_picture_that_wants_too_much_memory_is_left_alone(self) -> None:
        out = io.BytesIO()
        Image.new("1", (60_000, 60_000)).save(out, "PNG")
        with pytest.raises(sandbox.NotShown):
            sandbox.still(out.getvalue())

    def test_mutants_never_come_out_as_anything_but_a_picture_or_a_refusal(self) -> None:
        chance, good = random.Random(1), photo("x")
        for _ in range(count(300, 6)):
            mutant = bytearray(good)
            for _ in range(40):
                mutant[chance.randrange(len(mutant))] = chance.randrange(256)
            try:
                assert sandbox.still(bytes(mutant)).startswith(b"\x89PNG")
            except sandbox.NotShown:
                continue

    def test_the_child_has_no_network_and_no_files_of_ours(self) -> None:
        wall = sandbox._wall()
        assert wall is not None
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            probe = (
                "import socket, os\n"
                f"try: socket.create_connection(('127.0.0.1', {port}), 1); print('reached')\n"
                "except OSError: print('shut')\n"
                f"print(os.path.exists({str(settings.CA_CERTIFICATE_FILE)!r}))"
            )
            done = subprocess.run(
                [*wall, sys.executable, "-I", "-c", probe],
                capture_output=True,
                text=True,
                check=True,
            )
        assert done.stdout.split()[0] == "shut"
        if wall[0] == "bwrap":
            assert done.stdout.split()[1] == "False"
