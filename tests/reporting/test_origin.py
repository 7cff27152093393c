"""Which forms count as sent from our pages, on old browsers too."""

from __future__ import annotations

import pytest
from django.test import Client

from reporting.screens import origin
from tests.reporter import page

OURS = "http://localhost:8100"


@pytest.mark.parametrize(
    ("sent", "fetch_site", "referer", "ours"),
    [
        (OURS, None, None, True),
        (OURS, "cross-site", None, True),  # a browser cannot be made to send our Origin
        ("null", "same-origin", f"{OURS}/", False),
        ("https://evil.example", None, f"{OURS}/", False),
        (None, "same-origin", None, True),
        (None, "same-site", f"{OURS}/", False),
        (None, None, f"{OURS}/page/1/", True),
        (None, None, f"{OURS}.evil.example/", False),
        (None, None, f"https://evil.example/?{OURS}/", False),
        (None, None, None, False),
    ],
)
def test_the_most_certain_header_decides(
    sent: str | None, fetch_site: str | None, referer: str | None, ours: bool
) -> None:
    allowed = frozenset({OURS})
    decided = origin.is_ours(origin=sent, fetch_site=fetch_site, referer=referer, allowed=allowed)
    assert decided is ours


@pytest.mark.django_db
def test_an_old_browser_that_sends_only_a_referer_is_let_in() -> None:
    headers = {"referer": f"{OURS}{page('safe')}"}
    assert Client().post(page("safe"), {"answer": "yes"}, headers=headers).status_code == 302


@pytest.mark.django_db
def test_a_link_on_another_site_ends_no_visit() -> None:
    """The cookie is `SameSite=Strict`, so such a request comes without it."""
    answer = Client().get("/check/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert not answer.cookies
