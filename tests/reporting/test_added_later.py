"""After sending: additions replace nothing, the office sees news, a found code shows little."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from cases.casework import acts
from cases.models import Assessment
from cases.operations.acting import acting_as
from cases.reports import reading
from cases.triage import decisions, priority, queue
from reporting import (
    answers,
    consent,
    intake,
    looks,
    messages,
    on_record,
    questions,
    receipts,
    visibility,
)
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, Consent, EvidenceItem, Incident, PartnerOffer, Report
from reporting.sessions import Visit
from reporting.vault import opener
from tests import factories
from tests.reporter import page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

ORIGIN = {"origin": "http://localhost:8100"}


def browser(visit: Visit) -> Client:
    """A browser in which the reporter came back with the code."""
    client = Client()
    assert client.post("/back/", {"code": visit.code}, headers=ORIGIN).status_code == 302
    return client


def news(visit: Visit) -> bool:
    return Report.objects.get(pk=visit.report.pk).news_at is not None


class TestScreens:
    def test_a_later_answer_is_kept_beside_the_earlier_one(self) -> None:
        visit = factories.sent()
        answer = browser(visit).post(
            page("words"), {"answer": "He is in front of the house."}, headers=ORIGIN
        )
        assert answer["Location"] == "/added/"
        assert Answer.objects.filter(report=visit.report, question="words").count() == 2
        assert answers.latest(answers.of_visit(visit))["words"] == "He is in front of the house."
        assert news(visit)

    def test_an_empty_page_changes_nothing(self) -> None:
        visit = factories.sent()
        client = browser(visit)
        for key in ("words", "links", "contact", "what"):
            assert client.post(page(key), {"answer": ""}, headers=ORIGIN)["Location"] == "/mine/"
        assert (
            answers.latest(answers.of_visit(visit))["words"] == factories.ADULT_EXTORTION["words"]
        )
        assert not news(visit)

    def test_links_are_added_and_none_is_removed(self) -> None:
        visit = factories.draft()
        factories.lines(visit)
        intake.submit(visit)
        browser(visit).post(
            page("links"),
            {"answer": "https://example.org/new\nhttps://example.org/more"},
            headers=ORIGIN,
        )
        assert EvidenceItem.objects.filter(report=visit.report, kind="link").count() == 3

    def test_a_kind_of_harm_named_later_becomes_an_incident_of_its_own(self) -> None:
        visit = factories.sent()
        answer = browser(visit).post(
            page("what"), {"answer": ["stalking", "financial_extortion"]}, headers=ORIGIN
        )
        assert answer["Location"] == "/first/"
        assert not Incident.objects.exists()  # the public door writes none
        factories.sweep()
        types = (
            Incident.objects.filter(report=visit.report)
            .order_by("reported_type")
            .values_list("reported_type", flat=True)
        )
        assert list(types) == ["financial_extortion", "stalking"]

    def test_danger_said_later_shows_help_first(self) -> None:
        client = browser(factories.sent())
        assert client.post(page("safe"), {"answer": "no"}, headers=ORIGIN)["Location"] == "/now/"
        assert "Back to my report" in client.get("/now/").content.decode()
        assert (
            client.post(page("control"), {"answer": "yes"}, headers=ORIGIN)["Location"]
            == "/careful/"
        )

    def test_what_a_found_code_shows_cannot_be_widened_after_sending(self) -> None:
        visit = factories.sent()
        client = browser(visit)
        assert client.get(page("show_again"))["Location"] == "/mine/"
        client.post(page("show_again"), {"answer": "yes"}, headers=ORIGIN)
        returned = receipts.redeem(visit.code)[0]
        assert not visibility.shows_everything(returned, answers.of_visit(returned))

    def test_a_found_code_shows_no_answer_no_advice_no_look_and_no_consent(self) -> None:
        visit, worker = (
            factories.sent({**factories.ADULT_EXTORTION, "contact": "only at noon"}),
            factories.staff(),
        )
        factories.case(visit, worker)
        acts.write_to_reporter(visit.report, "hello", by=worker)
        offer = PartnerOffer.objects.create(
            partner="P-POLICE000001", name="Police", plain_words="words", reviewed_on="2026-11-01"
        )
        consent.give(visit, offer, Consent.Answer.YES)
        assert "took it on" in browser(visit).get("/mine/").content.decode()  # shown once
        finder = browser(visit)
        paths = ["/mine/", "/mine/who/", "/first/", "/more/", *map(page, questions.POSITION)]
        seen = "".join(
            finder.get(path).content.decode()
            for path in paths
            if finder.get(path).status_code == 200
        )
        for private in (
            "They want 500",
            "only at noon",
            "Do not pay",
            "took it on",
            "You said yes",
            "checked>",
        ):
            assert private not in seen.replace('value="not_now" checked>', ""), private


class TestOffice:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queue, "AGAIN_AFTER", timedelta())

    def test_an_addition_to_a_case_is_listed_as_news_until_it_is_read(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        factories.case(visit, worker)
        assert queue.news() == []
        messages.write(visit, "He wrote again.")
        (line,) = queue.news()
        assert line.report.pk == visit.report.pk
        read = reading.open_report(Report.objects.get(pk=visit.report.pk), by=worker)
        assert read.thread[-1].text == "He wrote again."
        assert queue.news() == []

    def test_an_addition_during_reading_stays_marked_as_news(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        messages.write(visit, "one")
        stale = Report.objects.get(pk=visit.report.pk)
        messages.write(visit, "two")
        reading.open_report(stale, by=worker)
        assert news(visit)

    def test_a_message_of_the_office_is_no_news(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        factories.case(visit, worker)
        acts.write_to_reporter(visit.report, "hello", by=worker)
        assert not news(visit)

    def test_a_later_answer_raises_the_band_and_none_lowers_it(self) -> None:
        visit = factories.sent({"safe": "yes", "age": "adult", "what": ["abuse"]})
        factories.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P3
        intake.answer(visit, questions.BY_KEY["safe"], "no")
        factories.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P0
        intake.answer(visit, questions.BY_KEY["safe"], "yes")
        factories.sweep()
        now = Assessment.objects.get(report=visit.report, current=True)
        assert now.band == priority.P0
        assert "Says: not safe right now" in [reason["reason"] for reason in now.reasons]

    def test_answers_known_when_a_person_lowered_the_band_do_not_raise_it_again(self) -> None:
        visit, worker = (
            factories.sent({"safe": "no", "age": "adult", "what": ["abuse"]}),
            factories.staff(),
        )
        factories.sweep()
        decisions.override_band(
            visit.report, priority.P2, "they called: the police are there", by=worker
        )
        intake.answer(visit, questions.BY_KEY["told"], "the police")
        factories.sweep()
        now = Assessment.objects.get(report=visit.report, current=True)
        assert now.band == priority.P2
        assert (
            reading.open_report(visit.report, by=worker).band_words
            == "they called: the police are there"
        )
        intake.answer(visit, questions.BY_KEY["what"], ["sadistic"])
        factories.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P0

    def test_an_addition_is_assessed_once(self) -> None:
        visit = factories.sent()
        factories.sweep()
        intake.answer(visit, questions.BY_KEY["told"], "the school")
        for _ in range(3):
            factories.sweep()
        openings = CustodyEvent.objects.filter(subject=visit.report.pk, event="report:assessed")
        assert openings.count() == 2

    def test_a_declined_report_can_still_be_accepted(self) -> None:
        visit, worker = factories.sent(), factories.staff()
        decisions.decline(visit.report, "not for us", out_of_scope=True, by=worker)
        messages.write(visit, "It has become worse.")
        (line,) = queue.news()
        decisions.accept(line.report, by=worker)
        assert Report.objects.get(pk=visit.report.pk).state == Report.State.ACCEPTED


def test_a_flood_of_additions_is_assessed_once_in_a_while() -> None:
    """Each assessment opens the report, and the opener's cap is for all reports together."""
    visit = factories.sent()
    for text in ("one", "two", "three"):
        factories.sweep()
        messages.write(visit, text)
    openings = CustodyEvent.objects.filter(subject=visit.report.pk, event="report:assessed")
    assert openings.count() == 1


class TestLooks:
    """Who looked comes from the ledger: from acts that opened, and from nothing else."""

    @staticmethod
    def shown(visit: Visit) -> list[str]:
        with acting_as("public"):
            known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
        return [f"{look.who} {look.act}" for look in looks.shown(known, since=visit.since)]

    def test_the_reporter_is_shown_once_who_looked_and_that_is_recorded(self) -> None:
        visit, worker = factories.sent(), factories.staff()
        reading.open_report(visit.report, by=worker)
        assert "read your report" in browser(visit).get("/mine/").content.decode()
        shown = CustodyEvent.objects.filter(subject=visit.report.pk, event="looks:shown")
        assert shown.count() == 1
        assert "read your report" not in browser(visit).get("/mine/").content.decode()
        assert shown.count() == 1

    def test_who_chose_to_see_everything_sees_every_look_again(self) -> None:
        visit = factories.sent({**factories.ADULT_EXTORTION, "show_again": "yes"})
        reading.open_report(visit.report, by=factories.staff())
        for _ in range(2):
            assert "read your report" in browser(visit).get("/mine/").content.decode()

    def test_a_person_is_named_by_role_and_the_worker_as_our_computer(self) -> None:
        visit = factories.sent()
        factories.sweep()
        reading.open_report(visit.report, by=factories.staff("supervisor"))
        returned = receipts.redeem(visit.code)[0]
        assert self.shown(returned) == [
            "Supervisor read your report",
            "Our computer sorted it by urgency",
        ]

    def test_an_opening_that_was_refused_is_no_look(self, monkeypatch: pytest.MonkeyPatch) -> None:
        visit = factories.sent()

        def refuse(*arguments: object) -> None:
            raise opener.Refused("the cap is reached")

        monkeypatch.setattr(opener, "ask", refuse)
        with pytest.raises(opener.Refused):
            reading.open_report(visit.report, by=factories.staff())
        assert CustodyEvent.objects.filter(event="report:opened").exists()
        assert self.shown(receipts.redeem(visit.code)[0]) == []


@pytest.mark.parametrize("sent", [False, True])
def test_text_over_the_limit_is_refused_and_never_cut(sent: bool) -> None:
    visit = factories.draft()
    if sent:
        intake.submit(visit)
    client = browser(visit)
    words = "ا" * (questions.TEXT_LIMIT + 1)
    answer = client.post(page("words"), {"answer": words}, headers=ORIGIN)
    assert (answer.status_code, words in answer.content.decode()) == (413, True)
    assert "in two parts" in answer.content.decode()
    client.post(page("words"), {"answer": words[1:]}, headers=ORIGIN)
    assert answers.latest(answers.of_visit(visit))["words"] == words[1:]
    lines = "\n".join(
        f"https://example.org/{number}" for number in range(questions.LINES_LIMIT + 1)
    )
    answer = client.post(page("links"), {"answer": lines}, headers=ORIGIN)
    assert (answer.status_code, lines in answer.content.decode()) == (413, True)
    assert not EvidenceItem.objects.exists()
    if sent:
        answer = client.post("/mine/", {"text": words}, headers=ORIGIN)
        assert (answer.status_code, words in answer.content.decode()) == (422, True)


class TestSessionEndedWhileWriting:
    """A session that ended while the reporter wrote: the text is shown again and can be kept."""

    def test_an_answer_does_not_start_a_second_report_at_once(self) -> None:
        visit = factories.draft()
        client = browser(visit)
        receipts.redeem(visit.code)  # on another phone, which ends this session
        answer = client.post(page("words"), {"answer": "a long account"}, headers=ORIGIN)
        assert answer.status_code == 403
        assert "a long account" in answer.content.decode()
        assert "not sent yet" in answer.content.decode()
        assert "saved for your code" not in answer.content.decode()
        assert Report.objects.count() == 1
        client.cookies.clear()  # as the response told the browser
        assert (
            client.post(page("words"), {"answer": "a long account"}, headers=ORIGIN).status_code
            == 302
        )
        assert Report.objects.count() == 2

    def test_a_message_is_shown_so_that_it_can_be_copied(self) -> None:
        visit = factories.sent()
        client = browser(visit)
        receipts.redeem(visit.code)
        answer = client.post("/mine/", {"text": "He is here."}, headers=ORIGIN)
        assert answer.status_code == 403
        assert "He is here." in answer.content.decode()
        assert "was not sent" in answer.content.decode()
