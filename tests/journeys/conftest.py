"""An office for the journeys: each process separate, a database with fsync on, a real browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from config.local.office import Office

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass
class Running:
    office: Office
    signs_in: dict[str, Any]
    used: dict[str, str] = field(default_factory=dict)

    def code(self, name: str) -> str:
        """A second-factor code that was not used yet: each is accepted only once."""
        while (digits := self._digits(name)) == self.used.get(name):
            time.sleep(0.5)
        self.used[name] = digits
        return digits

    def _digits(self, name: str) -> str:
        """RFC 6238."""
        key = base64.b32decode(self.signs_in["staff"][name])
        digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
        offset = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def new_office(folder: Path) -> Running:
    office = Office(folder, ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    office.prepare()
    seeded = office.run_command("seed", "--partner-keys", str(folder / "partner-keys"))
    return Running(office, json.loads(seeded.strip().splitlines()[-1]))


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-journey-"))
    new = new_office(folder)
    try:
        new.office.start()
        yield new
    finally:
        new.office.stop()
        shutil.rmtree(folder)


# Not "session": while Playwright's event loop runs, Django refuses to use its database.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def phone(
    browser: Browser, request: pytest.FixtureRequest, running: Running
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport=PHONE, java_script_enabled=request.param, accept_downloads=True
    )
    yield context
    context.close()


@pytest.fixture
def desk(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    yield context
    context.close()


def sign_in(page: Page, running: Running, name: str) -> None:
    page.goto(f"{running.office.address('staff')}/office/")
    page.fill("#id_login", name)
    page.fill("#id_password", running.signs_in["password"])
    page.click("button:has-text('Continue')")
    page.fill("#id_code", running.code(name))
    page.click("button:has-text('Sign in')")
    page.wait_for_url("**/office/")
