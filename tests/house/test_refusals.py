"""The page of a refused request says what was kept and gives back what was typed."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from cases.screens.staff import shows_refusals
from config import refusals
from reporting.screens import cookies
from reporting.vault.opener import Refused
from tests.reporter import page

pytestmark = pytest.mark.django_db

ORIGIN = {"origin": "http://localhost:8100"}
WORDS = "They want 500 by Friday. <b>I'm afraid</b>"
ESCAPED = "They want 500 by Friday. &lt;b&gt;I&#x27;m afraid&lt;/b&gt;</textarea>"
# A browser that hides where a form comes from, and old ones that cannot say.
HIDDEN: tuple[dict[str, str], ...] = ({}, {"origin": "null"})


@pytest.mark.parametrize("status", sorted(refusals._WORDS))
def test_every_page_says_what_was_kept_and_carries_its_own_style(status: int) -> None:
    text = refusals.page(status).decode()
    assert "was kept" in text
    assert "Please" in text
    assert f'href="{reverse("help_now")}"' in text
    assert "Leave now" in text
    assert "<textarea" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in refusals.headers()["content-security-policy"]
    assert not re.search(r"src=|<link|<script|style=", text)


def test_where_nobody_is_free_leaving_asks_nobody(settings: Any) -> None:
    assert f'href="{settings.LEAVE_URL}"' in refusals.page(503).decode()
    assert f'href="{reverse("leave")}"' in refusals.page(413).decode()


@pytest.mark.parametrize(("door", "home"), [("staff", "/office/"), ("partner", "/partner/")])
def test_the_other_doors_say_nothing_to_reporters(settings: Any, door: str, home: str) -> None:
    settings.DOORS = frozenset({door})
    text = refusals.page(404).decode()
    assert f'href="{home}"' in text
    assert not re.search("Leave now|Who can help|Notes", text)


@pytest.mark.parametrize("headers", HIDDEN)
def test_a_form_whose_page_is_not_known_comes_back(headers: dict[str, str]) -> None:
    answer = Client().post(page("words"), {"answer": WORDS}, headers=headers)
    assert (answer.status_code, ESCAPED in answer.content.decode()) == (403, True)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_the_words_of_another_site_are_not_shown(headers: dict[str, str]) -> None:
    answer = Client().post(page("words"), {"answer": WORDS}, headers=headers)
    assert (answer.status_code, "They want" in answer.content.decode()) == (403, False)


def test_after_an_error_the_words_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(cookies, "visit", fails)
    client = Client(raise_request_exception=False)
    answer = client.post(page("words"), {"answer": WORDS}, headers=ORIGIN)
    assert (answer.status_code, ESCAPED in answer.content.decode()) == (500, True)
    assert answer["Content-Security-Policy"] == refusals.headers()["content-security-policy"]
    chosen = client.post(page("safe"), {"answer": "not_sure"}, headers=ORIGIN)
    assert (chosen.status_code, "not_sure" in chosen.content.decode()) == (500, False)


def test_another_host_and_another_address_get_the_page_too() -> None:
    host = Client().get("/", headers={"host": "evil.example"})
    assert (host.status_code, b"cannot read" in host.content) == (400, True)
    address = Client().get("/nowhere/")
    assert (address.status_code, b"There is no page here" in address.content) == (404, True)


def test_what_a_person_of_the_office_typed_comes_back() -> None:
    def refuses(request: HttpRequest) -> HttpResponse:
        raise Refused("the opener does not answer")

    request = RequestFactory().post("/office/", {"text": WORDS}, headers=ORIGIN)
    answer = shows_refusals(refuses)(request)
    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, ESCAPED in answer.content.decode()) == (503, True)
