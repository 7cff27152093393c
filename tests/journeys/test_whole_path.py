"""From a report on a phone to a package and the partner's answer, in a real browser."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyrage
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cases.operations import seed
from tests.journeys.conftest import Running, sign_in

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


def go_on(page: Page) -> None:
    page.click("button:has-text('Continue')")


def choose(page: Page, *values: str) -> None:
    for value in values:
        page.check(f"input[value='{value}']")
    go_on(page)


def report(page: Page, address: str, files: list[Path]) -> str:
    """Fill in and send a report. Returns the return code from the receipt."""
    page.goto(address)
    page.click("text=Start")
    page.click("text=Continue")
    choose(page, "yes")
    choose(page, "no")
    choose(page, "me")
    choose(page, "adult")
    choose(page, "financial_extortion")
    expect(page.locator("main")).to_contain_text("Do not pay")
    page.click("main a:has-text('Continue')")
    page.fill("textarea", "They want 500 by Friday.\nI am scared.")
    go_on(page)
    page.fill("textarea", "Friday")
    go_on(page)
    page.fill("textarea", "https://social.example/bad")
    go_on(page)
    page.fill("textarea", "@bad.guy")
    go_on(page)
    choose(page, "yes")
    page.set_input_files("#files", [str(path) for path in files])
    page.click("text=Send these files")
    page.wait_for_url("**/more/?said=kept", timeout=120_000)
    for path in files:
        expect(page.locator(".files")).to_contain_text(path.name)
    page.click("main a.button:has-text('Continue')")
    for _ in range(4):
        go_on(page)
    expect(page.locator(".answers")).to_contain_text("I am scared.")
    page.click("button:has-text('Send to')")
    page.wait_for_url("**/done/")
    return page.inner_text(".code")


def test_a_report_from_a_phone_becomes_a_package_a_police_officer_verifies(
    running: Running, phone: BrowserContext, desk: BrowserContext, browser: Browser, tmp_path: Path
) -> None:
    office = running.office
    photo, clip = tmp_path / "threat.jpg", tmp_path / "recording.mp4"
    photo.write_bytes(seed.photo("500 by Friday"))
    clip.write_bytes(os.urandom(50 * 1024**2))
    reporter = phone.new_page()
    requested: list[str] = []
    reporter.on("request", lambda request: requested.append(request.url))
    code = report(reporter, office.address("public"), [photo, clip])
    assert all(
        url.startswith((office.address("public"), office.address("upload"))) for url in requested
    ), "a third party was asked"

    # the caseworker
    page = desk.new_page()
    sign_in(page, running, "ines")
    for _ in range(60):  # the worker runs every two seconds
        page.reload()
        if not page.locator("text=not sorted yet").count():
            break
        page.wait_for_timeout(500)
    first = page.locator("ol.queue > li", has_text="Financial sexual extortion").last
    expect(first).to_contain_text("Extortion with a demand")
    first.locator("a").click()
    page.click("text=Open and read")
    expect(page.locator("main")).to_contain_text("I am scared.")
    page.click("text=Accept: open a case")
    case = page.url
    page.click("button:has-text('Open and read')")
    page.locator("tr", has_text="threat.jpg").locator("text=Look…").click()
    page.fill("#reason", "to see what they threaten with")
    page.click("button:has-text('Look')")
    page.click("text=Show the picture")
    assert page.locator(".reveal img").evaluate("image => image.naturalWidth") > 500
    page.goto(case)
    page.click("button:has-text('Open and read')")
    page.fill(
        "textarea[placeholder='Write to the reporter']", "We read it. May we tell the police?"
    )
    page.click("button:has-text('Send')")

    # the reporter comes back with the code, reads and consents
    reporter.context.clear_cookies()
    reporter.goto(f"{office.address('public')}/back/")
    reporter.fill("#code", code)
    reporter.click("button:has-text('Open')")
    expect(reporter.locator(".thread")).to_contain_text("May we tell the police?")
    reporter.click("summary:has-text('Who has looked')")
    expect(reporter.locator("main")).to_contain_text("looked at a file")
    reporter.click("text=Who may we tell?")
    card = reporter.locator("section.card", has_text="Northshire Police")
    card.locator("input[value=yes]").check()
    card.locator("button").click()
    expect(card).to_contain_text("You said yes")

    # one person prepares, another approves
    page.goto(case)
    page.click("button:has-text('Open and read')")
    page.click("summary:has-text('Refer to a partner')")
    page.locator("p", has_text="Northshire Police").locator("input").check()
    page.click("button:has-text('Prepare')")
    referral = page.url
    expect(page.locator("main")).to_contain_text("somebody else approves it")
    supervisor_context = browser.new_context()
    other = supervisor_context.new_page()
    sign_in(other, running, "samira")
    other.goto(referral)
    other.click("button:has-text('Read what the partner gets')")
    expect(other.locator("main")).to_contain_text("I am scared.")
    expect(other.locator("main")).to_contain_text("threat.jpg")
    other.click("button:has-text('Approve')")
    for _ in range(60):
        other.goto(referral)
        if other.locator("text=Hand over").count():
            break
        other.wait_for_timeout(500)
    other.click("text=Hand over")
    collection = other.inner_text(".big")

    # the partner collects, opens with their own key, verifies with outside tools, answers
    police = browser.new_context(accept_downloads=True).new_page()
    police.goto(f"{office.address('partner')}/partner/")
    police.fill("#code", collection)
    police.click("button:has-text('Continue')")
    with police.expect_download() as download:
        police.click("text=Collect the locked package")
    locked = tmp_path / "package.zip.age"
    download.value.save_as(locked)
    assert hashlib.sha256(locked.read_bytes()).hexdigest() in police.inner_text("main")
    police.fill("#reference", "NS-2026-117")
    police.click("text=Send the answer")
    expect(police.locator("main")).to_contain_text("You answered “received”")
    key = (office.folder / "partner-keys" / "police.age-key").read_text()
    (tmp_path / "package.zip").write_bytes(
        pyrage.decrypt(locked.read_bytes(), [pyrage.x25519.Identity.from_str(key)])
    )
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        archive.extractall(tmp_path)
    (package,) = [path for path in tmp_path.iterdir() if path.name.startswith("EVP-")]
    ca = office.keys / "ca.pem"
    signed, stamp = "seal/tagmanifest.p7s", "seal/tagmanifest.p7s.tsr"
    openssl_cms = (
        f"openssl cms -verify -binary -inform DER -in {signed} -content tagmanifest-sha256.txt"
    )
    for command in (
        ["sh", "verify.sh", ".", str(ca), str(office.keys / "checkpoint.pub")],
        ["sha256sum", "-c", "manifest-sha256.txt"],
        [*openssl_cms.split(), "-CAfile", str(ca), "-purpose", "any", "-out", "/dev/null"],
        ["openssl", "ts", "-verify", "-data", signed, "-in", stamp, "-CAfile", str(ca)],
        [sys.executable, "-W", "ignore", "-m", "bagit", "--validate", "."],
    ):
        subprocess.run(command, cwd=package, check=True, capture_output=True)
    originals = {path.read_bytes() for path in (package / "data/exhibits").glob("*/original.*")}
    assert originals == {photo.read_bytes(), clip.read_bytes()}
    other.goto(referral)
    other.click("button:has-text('Read what the partner gets')")
    expect(other.locator("main")).to_contain_text("NS-2026-117")
    done = office.run_command("verify_ledger")
    assert done.startswith("Sound:")
    supervisor_context.close()
