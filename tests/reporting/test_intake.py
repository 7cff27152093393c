"""From the first answer to the receipt, and promise 7 on the way."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reporting import consent, evidence, intake, messages, people, questions, receipts, sessions
from reporting.actors import REPORTER, job
from reporting.custody.models import CustodyEvent
from reporting.models import (
    Answer,
    Consent,
    EvidenceItem,
    OfficeWrap,
    PartnerOffer,
    Receipt,
    Report,
    ReporterSession,
    ReturnCodeWrap,
)
from reporting.vault import codes, keys
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_is_wrapped_for_nobody_but_her() -> None:
    visit = factories.draft()
    assert not OfficeWrap.objects.filter(subject=visit.report.pk).exists()
    intake.submit(visit)
    assert OfficeWrap.objects.filter(subject=visit.report.pk).count() == 2


def test_her_code_opens_it_and_a_wrong_one_does_not() -> None:
    visit = factories.draft()
    again, _token = receipts.redeem(visit.code)
    assert (
        people.latest_answers(again.report, again.secret)["words"]
        == factories.ADULT_EXTORTION["words"]
    )
    with pytest.raises(receipts.UnknownCode):
        receipts.redeem(codes.mint())


def test_a_swapped_wrap_is_refused_to_her() -> None:
    visit, other = factories.draft(), keys.new_secret()
    derived = codes.derive(visit.code)
    ReturnCodeWrap.objects.filter(report=visit.report).update(
        wrapped=keys.wrap(other, keys.public_key_of(derived.secret))
    )
    with pytest.raises(keys.WrongKey):
        receipts.redeem(visit.code)


def test_a_draft_keeps_one_answer_a_sent_report_keeps_both() -> None:
    visit = factories.draft()
    intake.answer(visit, questions.BY_KEY["words"], "second thoughts", by=REPORTER)
    assert Answer.objects.filter(report=visit.report, question="words").count() == 1
    intake.submit(visit)
    intake.answer(visit, questions.BY_KEY["words"], "a correction", by=REPORTER)
    assert Answer.objects.filter(report=visit.report, question="words").count() == 2


def test_nothing_to_send_is_said_and_nothing_is_changed() -> None:
    visit = factories.draft({"safe": "yes"})
    with pytest.raises(intake.NothingToSend):
        intake.submit(visit)
    visit.report.refresh_from_db()
    assert visit.report.state == Report.State.DRAFT


def test_if_the_ledger_cannot_be_written_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.draft()

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no ledger")

    monkeypatch.setattr(intake, "record", broken)
    with pytest.raises(RuntimeError):
        intake.submit(visit)
    visit.report.refresh_from_db()
    assert visit.report.state == Report.State.DRAFT
    assert not OfficeWrap.objects.filter(subject=visit.report.pk).exists()
    assert not Receipt.objects.exists()


def test_every_changing_act_of_hers_leaves_an_event() -> None:
    visit = factories.draft()
    before = CustodyEvent.objects.filter(subject=visit.report.pk).count()
    factories.file(visit)
    intake.submit(visit)
    messages.post(visit.report, "hello", from_office=False, by=REPORTER)
    events = list(
        CustodyEvent.objects.filter(subject=visit.report.pk)
        .order_by("seq")
        .values_list("event", flat=True)
    )
    assert events[0] == "report:started"
    assert events[before:] == [
        "files:age_answered",
        "evidence:acquired",
        "report:submitted",
        "message:posted",
    ]


class TestAge:
    """Promise 7: bytes only for adults, and anything but a clear yes is a no."""

    @pytest.mark.parametrize(
        ("answers", "shown"),
        [
            ({"age": "under_13"}, "yes"),
            ({"age": "13_15"}, "yes"),
            ({"age": "16_17"}, "yes"),
            ({"age": "not_sure"}, "yes"),
            ({}, "yes"),
            ({"age": "adult"}, "no"),
            ({"age": "adult"}, "not_sure"),
            ({"age": "adult", "who": "bystander"}, "yes"),
        ],
    )
    def test_no_bytes(self, answers: dict[str, str], shown: str) -> None:
        visit = factories.draft({"words": "x", **answers})
        group = intake.open_file_group(visit, shown, by=REPORTER)
        with pytest.raises(people.BytesNotTaken):
            intake.add_file(visit, group, "x.jpg", [b"x"], by=REPORTER)
        assert evidence.store().names() == []

    def test_no_bytes_without_the_question_or_through_the_group_of_another_report(self) -> None:
        mine, other = factories.draft(), factories.draft()
        group = intake.open_file_group(other, "yes", by=REPORTER)
        with pytest.raises(people.BytesNotTaken):
            people.check_may_send_files(mine, None)
        with pytest.raises(people.BytesNotTaken):
            people.check_may_send_files(mine, group)

    @pytest.mark.parametrize(
        ("question", "value"), [("age", "16_17"), ("age", "not_sure"), ("who", "bystander")]
    )
    def test_an_answer_changed_after_an_upload_locks_the_file(
        self, question: str, value: str
    ) -> None:
        visit = factories.draft()
        item = factories.file(visit)
        intake.answer(visit, questions.BY_KEY[question], value, by=REPORTER)
        item.refresh_from_db()
        assert item.state == EvidenceItem.State.QUARANTINED
        with pytest.raises(evidence.NotOpenable):
            list(evidence.open_sealed(item, visit.secret))
        with pytest.raises(evidence.NotOpenable):
            evidence.remove_from_draft(item, by=REPORTER)
        assert evidence.store().names() == [item.vault_name]

    def test_the_files_own_answer_changed_locks_only_that_group(self) -> None:
        visit = factories.draft()
        first, second = factories.file(visit), factories.file(visit)
        assert first.group is not None
        intake.change_file_group(visit, first.group, "not_sure", by=REPORTER)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, second.state) == (
            EvidenceItem.State.QUARANTINED,
            EvidenceItem.State.KEPT,
        )

    def test_a_locked_item_is_never_deleted_even_by_the_database_owner(self) -> None:
        visit = factories.draft()
        item = factories.file(visit)
        evidence.quarantine(item, reason="x", by=REPORTER)
        with (
            pytest.raises(Exception, match="quarantined item stays"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM reporting_evidenceitem")


class TestSession:
    def test_a_token_opens_the_report_and_its_row_holds_neither_token_nor_key(self) -> None:
        started = intake.start(language="en", by=REPORTER)
        assert sessions.resume(started.token) == started.visit
        row = ReporterSession.objects.get()
        assert started.token not in row.token_hash
        assert started.visit.secret.encode() not in bytes(row.keys)

    def test_idle_ends_it(self) -> None:
        started = intake.start(language="en", by=REPORTER)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE reporting_reportersession SET used_at = now() - interval '61 minutes'"
            )
        assert sessions.resume(started.token) is None
        assert not ReporterSession.objects.exists()

    def test_coming_back_elsewhere_closes_the_forgotten_tab(self) -> None:
        started = intake.start(language="en", by=REPORTER)
        receipts.redeem(started.visit.code)
        assert sessions.resume(started.token) is None


class TestConsent:
    @pytest.fixture
    def offer(self) -> PartnerOffer:
        return PartnerOffer.objects.create(
            partner="P-1", name="Police", plain_words="words", reviewed_on="2026-11-01"
        )

    def test_only_the_latest_yes_counts(self, offer: PartnerOffer) -> None:
        visit = factories.sent()
        with pytest.raises(consent.ConsentMissing):
            consent.current(visit.report, "P-1")
        given = consent.give(visit, offer, Consent.Answer.YES, by=REPORTER)
        assert consent.current(visit.report, "P-1") == given
        consent.give(visit, offer, Consent.Answer.NEVER, by=REPORTER)
        with pytest.raises(consent.ConsentMissing, match="not a yes"):
            consent.current(visit.report, "P-1")

    def test_a_yes_that_she_did_not_sign_is_refused(self, offer: PartnerOffer) -> None:
        """What a captured public door could write: a row, but not her signature."""
        visit, other = factories.sent(), factories.sent()
        forger = dataclasses.replace(
            visit, signing_seed=other.signing_seed
        )  # everything fits but the key that signs
        consent.give(forger, offer, Consent.Answer.YES, by=REPORTER)
        with pytest.raises(consent.ConsentForged):
            consent.current(visit.report, "P-1")

    def test_an_earlier_yes_put_in_again_does_not_undo_her_never(self, offer: PartnerOffer) -> None:
        """What a captured public door could replay: her own words, with her own signature."""
        visit = factories.sent()
        earlier = consent.give(visit, offer, Consent.Answer.YES, by=REPORTER)
        consent.give(visit, offer, Consent.Answer.NEVER, by=REPORTER)
        earlier.pk = "K-REPLAYED"
        earlier.save(force_insert=True)
        with pytest.raises(consent.ConsentMissing, match="not a yes"):
            consent.current(visit.report, "P-1")
        Consent.objects.filter(pk="K-REPLAYED").update(signed_at=timezone.now())
        with pytest.raises(consent.ConsentForged):
            consent.current(visit.report, "P-1")

    def test_a_column_changed_after_she_signed_is_refused(self, offer: PartnerOffer) -> None:
        visit = factories.sent()
        given = consent.give(visit, offer, Consent.Answer.NOT_NOW, by=REPORTER)
        Consent.objects.filter(pk=given.pk).update(answer="yes")
        with pytest.raises(consent.ConsentForged):
            consent.current(visit.report, "P-1")

    def test_an_expired_yes_is_no_yes(
        self, offer: PartnerOffer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = factories.sent()
        monkeypatch.setattr(consent, "LASTS", -consent.LASTS)
        given = consent.give(visit, offer, Consent.Answer.YES, by=REPORTER)
        assert json.loads(given.statement)["answer"] == "yes"
        with pytest.raises(consent.ConsentMissing, match="expired"):
            consent.current(visit.report, "P-1")


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])],
    ids=["gone", "cut"],
)
def test_an_object_that_is_gone_or_changed_freezes_its_item(
    spoil: Callable[[Path], object], settings: Any
) -> None:
    visit = factories.draft()
    item = factories.file(visit)
    assert evidence.verify(item, by=job("verify"))
    (path,) = Path(settings.VAULT_DIR).glob("??/*")
    spoil(path)
    assert not evidence.verify(item, by=job("verify"))
    with pytest.raises(evidence.NotOpenable):
        list(evidence.open_sealed(item, visit.secret))
    assert (
        CustodyEvent.objects.filter(
            subject=visit.report.pk, event="evidence:integrity_failed"
        ).count()
        == 1
    )
