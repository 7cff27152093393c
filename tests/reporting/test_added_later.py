"""A report that was sent: she adds and corrects, nothing is replaced, the office sees that there is news, and a found code tells little."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from cases import tasks
from cases.casework import acts
from cases.models import Assessment
from cases.reports import reading
from cases.triage import decisions, priority, queue
from reporting import consent, intake, looks, messages, people, questions, receipts
from reporting.actors import REPORTER
from reporting.models import Answer, Consent, EvidenceItem, Incident, Look, PartnerOffer, Report
from reporting.sessions import Visit
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

ORIGIN = {"origin": "http://localhost:8100"}


def page(key: str) -> str:
    return f"/page/{questions.POSITION[key]}/"


def hers(visit: Visit) -> Client:
    """Her browser, after she came back with her code."""
    client = Client()
    assert client.post("/back/", {"code": visit.code}, headers=ORIGIN).status_code == 302
    return client


def news(visit: Visit) -> bool:
    return Report.objects.get(pk=visit.report.pk).news_at is not None


class TestScreens:
    def test_a_later_answer_stands_beside_the_earlier_one(self) -> None:
        visit = factories.sent()
        answer = hers(visit).post(
            page("words"), {"answer": "He is in front of the house."}, headers=ORIGIN
        )
        assert answer["Location"] == "/added/"
        rows = Answer.objects.filter(report=visit.report, question="words")
        assert rows.count() == 2
        assert (
            people.latest_answers(visit.report, visit.secret)["words"]
            == "He is in front of the house."
        )
        assert news(visit)

    def test_an_empty_page_changes_nothing(self) -> None:
        visit = factories.sent()
        client = hers(visit)
        for key in ("words", "links", "contact", "what"):
            assert client.post(page(key), {"answer": ""}, headers=ORIGIN)["Location"] == "/mine/"
        assert (
            people.latest_answers(visit.report, visit.secret)["words"]
            == factories.ADULT_EXTORTION["words"]
        )
        assert not news(visit)

    def test_lines_are_added_and_none_is_taken_out(self) -> None:
        visit = factories.draft()
        factories.lines(visit)
        intake.submit(visit)
        hers(visit).post(
            page("links"),
            {"answer": "https://example.org/new\nhttps://example.org/more"},
            headers=ORIGIN,
        )
        assert EvidenceItem.objects.filter(report=visit.report, kind="link").count() == 3

    def test_a_kind_of_harm_named_later_becomes_an_incident_of_its_own(self) -> None:
        visit = factories.sent()
        answer = hers(visit).post(
            page("what"), {"answer": ["stalking", "financial_extortion"]}, headers=ORIGIN
        )
        assert answer["Location"] == "/first/"
        found = (
            Incident.objects.filter(report=visit.report)
            .order_by("reported_type")
            .values_list("reported_type", flat=True)
        )
        assert list(found) == ["financial_extortion", "stalking"]

    def test_danger_said_later_shows_help_first(self) -> None:
        client = hers(factories.sent())
        assert client.post(page("safe"), {"answer": "no"}, headers=ORIGIN)["Location"] == "/now/"
        assert "Back to my report" in client.get("/now/").content.decode()
        assert (
            client.post(page("control"), {"answer": "yes"}, headers=ORIGIN)["Location"]
            == "/careful/"
        )

    def test_what_a_found_code_shows_cannot_be_widened_after_sending(self) -> None:
        visit = factories.sent()
        client = hers(visit)
        assert client.get(page("show_again"))["Location"] == "/mine/"
        client.post(page("show_again"), {"answer": "yes"}, headers=ORIGIN)
        assert not people.shows_everything(receipts.redeem(visit.code)[0])

    def test_a_found_code_tells_no_answer_no_advice_no_look_and_no_consent(self) -> None:
        visit, worker = (
            factories.sent({**factories.ADULT_EXTORTION, "contact": "only at noon"}),
            factories.staff(),
        )
        factories.case(visit, worker)
        acts.write_to_reporter(visit.report, "hello", by=worker)
        offer = PartnerOffer.objects.create(
            partner="P-1", name="Police", plain_words="words", reviewed_on="2026-11-01"
        )
        consent.give(visit, offer, Consent.Answer.YES, by=REPORTER)
        assert "took it on" in hers(visit).get("/mine/").content.decode()  # she has seen that
        finder = hers(visit)
        seen = "".join(
            finder.get(path).content.decode() for path in ["/mine/", "/mine/who/", "/first/", "/more/", *map(page, questions.BY_KEY)]
            if finder.get(path).status_code == 200
        )  # fmt: skip
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
    def test_what_she_adds_to_a_case_is_on_the_first_page_until_it_is_read(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        factories.case(visit, worker)
        assert queue.news() == []
        messages.post(visit.report, "He wrote again.", from_office=False, by=REPORTER)
        (line,) = queue.news()
        assert line.report.pk == visit.report.pk
        read = reading.open_report(Report.objects.get(pk=visit.report.pk), by=worker)
        assert read.thread[-1].text == "He wrote again."
        assert queue.news() == []

    def test_what_comes_while_it_is_read_stays_marked(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        messages.post(visit.report, "one", from_office=False, by=REPORTER)
        stale = Report.objects.get(pk=visit.report.pk)
        messages.post(visit.report, "two", from_office=False, by=REPORTER)
        reading.open_report(stale, by=worker)
        assert news(visit)

    def test_our_own_message_is_no_news(self) -> None:
        worker, visit = factories.staff(), factories.sent()
        factories.case(visit, worker)
        acts.write_to_reporter(visit.report, "hello", by=worker)
        assert not news(visit)

    def test_a_later_answer_raises_the_band_and_none_lowers_it(self) -> None:
        visit = factories.sent({"safe": "yes", "age": "adult", "what": ["abuse"]})
        tasks.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P3
        intake.answer(visit, questions.BY_KEY["safe"], "no", by=REPORTER)
        tasks.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P0
        intake.answer(visit, questions.BY_KEY["safe"], "yes", by=REPORTER)
        tasks.sweep()
        now = Assessment.objects.get(report=visit.report, current=True)
        assert now.band == priority.P0
        assert "Says: not safe right now" in [reason["reason"] for reason in now.reasons]

    def test_what_a_person_knew_when_she_lowered_the_band_does_not_raise_it_again(self) -> None:
        visit, worker = (
            factories.sent({"safe": "no", "age": "adult", "what": ["abuse"]}),
            factories.staff(),
        )
        tasks.sweep()
        decisions.override_band(
            visit.report, priority.P2, "she called: the police are with her", by=worker
        )
        intake.answer(visit, questions.BY_KEY["told"], "the police", by=REPORTER)
        tasks.sweep()
        now = Assessment.objects.get(report=visit.report, current=True)
        assert now.band == priority.P2
        assert (
            reading.open_report(visit.report, by=worker).band_words
            == "she called: the police are with her"
        )
        intake.answer(visit, questions.BY_KEY["what"], ["sadistic"], by=REPORTER)
        tasks.sweep()
        assert Assessment.objects.get(report=visit.report, current=True).band == priority.P0

    def test_the_rules_look_once_at_what_was_added(self) -> None:
        visit = factories.sent()
        tasks.sweep()
        intake.answer(visit, questions.BY_KEY["told"], "the school", by=REPORTER)
        for _ in range(3):
            tasks.sweep()
        assert Look.objects.filter(report=visit.report, who="Our computer").count() == 2

    def test_what_was_declined_can_still_be_taken_on(self) -> None:
        visit, worker = factories.sent(), factories.staff()
        decisions.decline(visit.report, "not for us", out_of_scope=True, by=worker)
        messages.post(visit.report, "It has become worse.", from_office=False, by=REPORTER)
        (line,) = queue.news()
        decisions.accept(line.report, by=worker)
        assert Report.objects.get(pk=visit.report.pk).state == Report.State.ACCEPTED


def test_she_is_told_once_who_looked_and_that_is_on_record() -> None:
    visit, worker = factories.sent(), factories.staff()
    reading.open_report(visit.report, by=worker)
    visit, _token = receipts.redeem(visit.code)
    assert [look.act for look in looks.shown(visit)] == ["read your report"]
    looks.mark_shown(visit.report, by=REPORTER)
    looks.mark_shown(visit.report, by=REPORTER)
    assert Look.objects.filter(shown_at__lte=timezone.now()).count() == 1
    assert looks.shown(receipts.redeem(visit.code)[0]) == []


@pytest.mark.parametrize("sent", [False, True])
def test_nothing_she_writes_is_cut_off_in_silence(sent: bool) -> None:
    visit = factories.draft()
    if sent:
        intake.submit(visit)
    client = hers(visit)
    words = "ا" * (questions.TEXT_LIMIT + 1)
    answer = client.post(page("words"), {"answer": words}, headers=ORIGIN)
    assert (answer.status_code, words in answer.content.decode()) == (413, True)
    assert "in two parts" in answer.content.decode()
    client.post(page("words"), {"answer": words[1:]}, headers=ORIGIN)
    assert people.latest_answers(visit.report, visit.secret)["words"] == words[1:]
    lines = "\n".join(
        f"https://example.org/{number}" for number in range(questions.LINES_LIMIT + 1)
    )
    answer = client.post(page("links"), {"answer": lines}, headers=ORIGIN)
    assert (answer.status_code, lines in answer.content.decode()) == (413, True)
    assert not EvidenceItem.objects.exists()
    if sent:
        answer = client.post("/mine/", {"text": words}, headers=ORIGIN)
        assert (answer.status_code, words in answer.content.decode()) == (413, True)


class TestClosedWhileSheWrote:
    """After an hour, or because she came back elsewhere, the page is closed; what she had just written comes back to her."""

    def test_an_answer_does_not_begin_a_second_report_unasked(self) -> None:
        visit = factories.draft()
        client = hers(visit)
        receipts.redeem(visit.code)  # on another phone: this page is closed
        answer = client.post(page("words"), {"answer": "a long account"}, headers=ORIGIN)
        assert answer.status_code == 403
        assert "a long account" in answer.content.decode()
        assert "not sent yet" in answer.content.decode()
        assert "saved for your code" not in answer.content.decode()
        assert Report.objects.count() == 1
        client.cookies.clear()  # as the answer told the browser
        assert (
            client.post(page("words"), {"answer": "a long account"}, headers=ORIGIN).status_code
            == 302
        )
        assert Report.objects.count() == 2

    def test_a_message_is_shown_so_that_she_can_copy_it(self) -> None:
        visit = factories.sent()
        client = hers(visit)
        receipts.redeem(visit.code)
        answer = client.post("/mine/", {"text": "He is here."}, headers=ORIGIN)
        assert answer.status_code == 403
        assert "He is here." in answer.content.decode()
        assert "was not sent" in answer.content.decode()
