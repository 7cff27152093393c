"""Every screen: no WCAG 2.2 AA violation, fits a small phone, and the leave button is in view."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from reporting.questions import POSITION
from tests.journeys.conftest import Running, sign_in
from tests.reporter import page as page_of

pytestmark = pytest.mark.needs("chromium")

_TAGS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SMALL: tuple[int, int] = (320, 560)


def fit_and_accessible(page: Page) -> None:
    # The way out stays at the lower edge; at the end of the page nothing is half below it.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    violations = Axe().run(page, options=_TAGS).response["violations"]
    seen = [(violation["id"], violation["nodes"][0]["html"][:160]) for violation in violations]
    assert seen == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{page.url} is wider than the screen"
    )


def leave_button_in_view(page: Page) -> None:
    expect(page.locator("#leave")).to_be_in_viewport()
    assert page.title() == "Notes"


def test_the_screens_of_a_reporter_on_a_small_phone(running: Running, browser: Browser) -> None:
    address = running.office.address("public")
    context = browser.new_context(viewport={"width": SMALL[0], "height": SMALL[1]})
    page = context.new_page()
    for path in ("/", "/before/", "/now/", "/back/", "/nowhere/"):
        page.goto(address + path)
        fit_and_accessible(page)
        leave_button_in_view(page)
    page.goto(address + page_of("safe"))
    page.check("input[value=not_sure]")
    page.click("button:has-text('Continue')")
    expect(page).to_have_url(re.compile("/now/"))
    page.goto(address + page_of("control"))
    page.check("input[value=yes]")
    page.click("button:has-text('Continue')")
    expect(page).to_have_url(re.compile("/careful/"))
    for path in [
        "/careful/",
        *(page_of(key) for key in POSITION if POSITION[key] < POSITION["files"]),
        "/more/",
        "/check/",
    ]:
        page.goto(address + path)
        fit_and_accessible(page)
        leave_button_in_view(page)
    page.goto(address + page_of("what"))
    page.check("input[value=stalking]")
    page.click("button:has-text('Continue')")
    # Somebody else controls the phone: advice for safety, none to save evidence.
    expect(page.locator("main")).not_to_contain_text("Save")
    fit_and_accessible(page)
    page.goto(f"{address}/check/")
    page.click("button:has-text('Send to')")
    fit_and_accessible(page)
    page.click("text=Go to my report")
    fit_and_accessible(page)
    page.click("summary:has-text('Add or correct')")
    fit_and_accessible(page)
    page.click("a:has-text('time limit')")
    fit_and_accessible(page)
    page.fill("textarea", "By tonight")
    page.click("button:has-text('Continue')")
    expect(page.locator("h1")).to_have_text("We have that too")
    fit_and_accessible(page)
    leave_button_in_view(page)
    page.goto(f"{address}/mine/who/")
    fit_and_accessible(page)
    context.close()


def test_leaving_takes_one_click_and_going_back_shows_nothing(
    running: Running, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    # The page it leaves for is on the internet; the test answers with one of its own.
    context.route(
        lambda url: "bbc.com" in url,
        lambda route: route.fulfill(body="<title>Weather</title>", content_type="text/html"),
    )
    page = context.new_page()
    address = running.office.address("public")
    page.goto(address + page_of("words"))
    page.fill("textarea", "my own words")
    page.click("button:has-text('Continue')")
    page.goto(address + page_of("words"))
    expect(page.locator("textarea")).to_have_value("my own words")
    page.click("#leave")
    page.wait_for_url("**/weather")
    assert context.cookies() == []
    page.go_back()
    assert "my own words" not in page.content()
    context.close()


def test_the_screens_of_the_office(running: Running, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(f"{running.office.address('staff')}/office/")
    fit_and_accessible(page)
    sign_in(page, running, "tom")
    fit_and_accessible(page)
    page.locator("ol.queue > li a").first.click()
    fit_and_accessible(page)
    page.click("text=Open and read")
    fit_and_accessible(page)
    page.click("text=Accept: open a case")
    fit_and_accessible(page)
    page.click("text=Open and read")
    fit_and_accessible(page)
    page.click("text=Life in danger: tell now")
    fit_and_accessible(page)
    page.click("text=Put on record")
    expect(page.locator("main")).to_contain_text("for a threat to life only")
    page.fill("#told_to", "Control room")
    page.fill("#called_back", "999")
    page.fill("#said", "the address")
    page.check("input[name=threat_to_life]")
    page.click("text=Put on record")
    page.click("text=Read what was told")
    expect(page.locator("main")).to_contain_text("Control room")
    fit_and_accessible(page)
    page.locator(".where a").click()
    page.set_viewport_size({"width": 390, "height": 844})
    fit_and_accessible(page)
    for path in ("", "partners/", "account/2fa/", "account/password/change/"):
        page.goto(f"{running.office.address('staff')}/office/{path}")
        fit_and_accessible(page)
    page.goto(f"{running.office.address('staff')}/office/")
    page.click("text=Sign out")
    page.goto(f"{running.office.address('staff')}/office/")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto(f"{running.office.address('partner')}/partner/")
    fit_and_accessible(page)
    context.close()


def test_the_check_finds_a_planted_violation(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<html><body><img src='data:,'><button></button>"
        "<div style='width:9000px'>wide</div></body></html>"
    )
    with pytest.raises(AssertionError, match="button-name"):
        fit_and_accessible(page)
    page.close()
