"""From the first answer to the receipt; consents."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.db import IntegrityError, connection
from django.utils import timezone

from reporting import (
    answers,
    consent,
    evidence,
    intake,
    messages,
    on_record,
    receipts,
    sessions,
    signed,
)
from reporting.actors import job
from reporting.custody.models import CustodyEvent
from reporting.models import (
    Consent,
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


def test_the_office_cannot_open_a_draft_before_it_is_sent() -> None:
    visit = factories.draft()
    assert not OfficeWrap.objects.filter(subject=visit.report.pk).exists()
    intake.submit(visit)
    assert OfficeWrap.objects.filter(subject=visit.report.pk).count() == 2


def test_the_return_code_opens_a_report_and_a_wrong_one_does_not() -> None:
    visit = factories.draft()
    again, _token = receipts.redeem(visit.code)
    assert answers.latest(answers.of_visit(again))["words"] == factories.ADULT_EXTORTION["words"]
    with pytest.raises(receipts.UnknownCode):
        receipts.redeem(codes.mint())


def test_a_swapped_wrap_is_refused_to_the_reporter() -> None:
    visit, other = factories.draft(), keys.new_secret()
    derived = codes.derive(visit.code)
    with factories.forging():
        ReturnCodeWrap.objects.filter(report=visit.report).update(
            wrapped=keys.wrap(other, keys.public_key_of(derived.secret))
        )
    with pytest.raises(keys.WrongKey):
        receipts.redeem(visit.code)


def test_an_empty_report_is_not_sent_and_not_changed() -> None:
    visit = factories.draft({"safe": "yes"})
    with pytest.raises(intake.NothingToSend):
        intake.submit(visit)
    visit.report.refresh_from_db()
    assert visit.report.state == Report.State.DRAFT


def test_if_the_ledger_cannot_be_written_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = factories.draft()

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no ledger")

    monkeypatch.setattr(signed, "record", broken)
    with pytest.raises(RuntimeError):
        intake.submit(visit)
    visit.report.refresh_from_db()
    assert visit.report.state == Report.State.DRAFT
    assert not OfficeWrap.objects.filter(subject=visit.report.pk).exists()
    assert not Receipt.objects.exists()


def test_every_changing_act_of_the_reporter_leaves_an_event() -> None:
    visit = factories.draft()
    before = CustodyEvent.objects.filter(subject=visit.report.pk).count()
    item = factories.file(visit)
    evidence.remove_from_draft(visit, factories.file(visit).pk)
    intake.submit(visit)
    messages.write(visit, "hello")
    events = list(
        CustodyEvent.objects.filter(subject=visit.report.pk)
        .order_by("seq")
        .values_list("event", flat=True)
    )
    assert events[0] == "report:started"
    assert events[before:] == [
        *["answer:saved", "evidence:acquired"] * 2,
        "evidence:taken_out",
        "report:submitted",
        "message:posted",
    ]
    acquired = CustodyEvent.objects.get(event="evidence:acquired", object=item.pk)
    assert acquired.object_sha256 == on_record.stored_sha256(item)


class TestSession:
    def test_a_token_opens_the_report_and_its_row_holds_neither_token_nor_key(self) -> None:
        started = intake.start(language="en")
        assert sessions.resume(started.token) == started.visit
        row = ReporterSession.objects.get()
        assert started.token not in row.token_hash
        assert started.visit.secret.encode() not in bytes(row.keys)

    def test_an_idle_session_ends(self) -> None:
        started = intake.start(language="en")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE reporting_reportersession SET used_at = now() - interval '61 minutes'"
            )
        assert sessions.resume(started.token) is None
        assert not ReporterSession.objects.exists()

    def test_redeeming_the_code_elsewhere_ends_the_earlier_session(self) -> None:
        started = intake.start(language="en")
        receipts.redeem(started.visit.code)
        assert sessions.resume(started.token) is None


class TestConsent:
    @pytest.fixture
    def offer(self) -> PartnerOffer:
        return PartnerOffer.objects.create(
            partner="P-POLICE000001", name="Police", plain_words="words", reviewed_on="2026-11-01"
        )

    def test_only_the_latest_answer_counts(self, offer: PartnerOffer) -> None:
        visit = factories.sent()
        with pytest.raises(consent.ConsentMissing):
            consent.current(visit.report, "P-POLICE000001", "Police")
        given = consent.give(visit, offer, Consent.Answer.YES)
        assert consent.current(visit.report, "P-POLICE000001", "Police") == given
        consent.give(visit, offer, Consent.Answer.NEVER)
        with pytest.raises(consent.ConsentMissing, match="not a yes"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    def test_an_answer_that_the_reporter_did_not_sign_counts_in_neither_direction(
        self, offer: PartnerOffer
    ) -> None:
        """A captured public process writes a row and its act, not the reporter's signature."""
        visit, other = factories.sent(), factories.sent()
        # everything is right but the signing key
        forger = dataclasses.replace(visit, signing_seed=other.signing_seed)
        consent.give(forger, offer, Consent.Answer.YES)
        with pytest.raises(consent.ConsentMissing, match="not been asked"):
            consent.current(visit.report, "P-POLICE000001", "Police")
        given = consent.give(visit, offer, Consent.Answer.YES)
        consent.give(forger, offer, Consent.Answer.NEVER)
        assert consent.current(visit.report, "P-POLICE000001", "Police") == given

    def test_a_row_without_an_act_is_refused_at_commit(self, offer: PartnerOffer) -> None:
        visit = factories.sent()
        earlier = consent.give(visit, offer, Consent.Answer.YES)
        earlier.pk = "K-000000000000"
        with pytest.raises(IntegrityError, match="not what an act recorded"):
            earlier.save(force_insert=True)

    @pytest.mark.parametrize("at", ["the old time", "a new time"])
    def test_a_replayed_earlier_consent_does_not_undo_a_later_refusal(
        self, offer: PartnerOffer, at: str
    ) -> None:
        """A statement with the reporter's own signature, put in again by somebody who can switch
        the triggers off."""
        visit = factories.sent()
        earlier = consent.give(visit, offer, Consent.Answer.YES)
        consent.give(visit, offer, Consent.Answer.NEVER)
        earlier.pk = "K-000000000000"
        earlier.at = timezone.now() if at == "a new time" else earlier.at
        with factories.forging():
            earlier.save(force_insert=True)
        with pytest.raises(consent.ConsentMissing, match="not a yes"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    def test_a_replayed_statement_with_an_act_of_its_own_counts_for_nothing(
        self, offer: PartnerOffer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A captured public door writes row and act by the rules, with a yes that the reporter
        signed a while ago."""
        visit = factories.sent()
        monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) - timedelta(minutes=10))
        consent.give(visit, offer, Consent.Answer.YES)
        with pytest.raises(consent.ConsentMissing, match="not been asked"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("expires_at", "2099-01-01T00:00:00+00:00"),
            ("purpose", "anything at all"),
            ("report", "R-000000000000"),
            ("partner", "P-2"),
            ("person", "N-000000000000"),
        ],
    )
    def test_a_statement_about_something_else_counts_for_nothing(
        self, offer: PartnerOffer, monkeypatch: pytest.MonkeyPatch, field: str, value: str
    ) -> None:
        """Signed with the reporter's own key, which a captured door holds while they are here."""
        visit = factories.sent()
        dumps = rfc8785.dumps

        def changed(record: Any) -> bytes:
            return dumps({**record, field: value} if "purpose" in record else record)

        monkeypatch.setattr("reporting.consent.rfc8785.dumps", changed)
        with factories.past_the_consent_check():
            consent.give(visit, offer, Consent.Answer.YES)
        with pytest.raises(consent.ConsentMissing, match="not been asked"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    def test_a_column_changed_after_signing_makes_the_row_count_for_nothing(
        self, offer: PartnerOffer
    ) -> None:
        visit = factories.sent()
        given = consent.give(visit, offer, Consent.Answer.NOT_NOW)
        with factories.forging():
            Consent.objects.filter(pk=given.pk).update(answer="yes")
        with pytest.raises(consent.ConsentMissing, match="not been asked"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    def test_a_yes_for_longer_than_we_ask_counts_for_nothing(
        self, offer: PartnerOffer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = factories.sent()
        with monkeypatch.context() as longer:
            longer.setattr(consent, "LASTS", consent.LASTS + timedelta(seconds=1))
            consent.give(visit, offer, Consent.Answer.YES)
        with pytest.raises(consent.ConsentMissing, match="not been asked"):
            consent.current(visit.report, "P-POLICE000001", "Police")

    def test_an_expired_consent_is_no_consent(
        self, offer: PartnerOffer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = factories.sent()
        monkeypatch.setattr(consent, "LASTS", -consent.LASTS)
        given = consent.give(visit, offer, Consent.Answer.YES)
        assert json.loads(given.statement)["answer"] == "yes"
        with pytest.raises(consent.ConsentMissing, match="expired"):
            consent.current(visit.report, "P-POLICE000001", "Police")


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])],
    ids=["missing", "truncated"],
)
def test_an_item_whose_object_is_missing_or_changed_cannot_be_opened(
    spoil: Callable[[Path], object], settings: Any
) -> None:
    visit = factories.draft()
    item = factories.file(visit)
    assert evidence.verify(item, by=job("verify"))
    (path,) = Path(settings.VAULT_DIR).glob("??/*")
    spoil(path)
    assert not evidence.verify(item, by=job("verify"))
    assert not evidence.verify(item, by=job("verify"))
    (entry,) = on_record.of(visit.report.pk, visit.secret).items
    with pytest.raises(evidence.NotOpenable):
        list(evidence.open_sealed(entry, visit.secret))
    failed = CustodyEvent.objects.filter(
        subject=visit.report.pk, event="evidence:integrity_failed", object=item.pk
    )
    assert failed.count() == 1
