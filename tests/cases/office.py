"""An office with one report ready to be handed over, and a sequencer that runs beside it."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pyrage
from django.db import connection
from django.test import Client

from cases.models import Case, Package, PartnerKey, Referral
from cases.operations.seed import person
from cases.referrals import disclosure
from cases.staff.models import StaffMember
from reporting import evidence, intake
from reporting.models import EvidenceItem
from reporting.sessions import Visit
from reporting.vault import keys
from tests import factories

PHOTO = os.urandom(40_000)
ORIGIN = {"origin": "http://localhost:8200"}


class Office:
    """An accepted report with a file, a partner with a checked key, the reporter's consent."""

    def __init__(
        self,
        answers: dict[str, Any] | None = None,
        lines: list[str] | None = None,
        *,
        consented: bool = True,
    ) -> None:
        self.worker, self.supervisor = factories.staff(), factories.staff("supervisor")
        self.visit: Visit = factories.draft(answers)
        intake.add_lines(self.visit, EvidenceItem.Kind.LINK, lines or [])
        self.file = factories.file(self.visit, PHOTO, "holiday ä%0A.JPG")
        factories.lines(self.visit)
        intake.submit(self.visit)
        self.case: Case = factories.case(self.visit, self.worker)
        self.partner_secret = keys.new_secret()
        self.partner_key: PartnerKey = factories.partner_key(
            self.partner_secret, by=self.worker, checked_by=self.supervisor
        )
        if consented:
            factories.yes(self.visit, self.partner_key)

    def draft(self, by: StaffMember | None = None, **options: Any) -> Referral:
        return disclosure.draft(
            self.case,
            self.visit.report,
            self.partner_key,
            items=[self.file.pk],
            by=by or self.worker,
            **options,
        )

    def package(self) -> Package:
        referral = self.draft()
        disclosure.approve(referral, by=self.supervisor)
        with sequencing():
            return disclosure.package(referral)

    def decrypted(self, package: Package) -> bytes:
        with evidence.store().open(package.vault_name) as source:
            return bytes(
                pyrage.decrypt(
                    source.read(), [pyrage.x25519.Identity.from_str(self.partner_secret)]
                )
            )

    def unpacked(self, package: Package, folder: Path) -> Path:
        with zipfile.ZipFile(io.BytesIO(self.decrypted(package))) as archive:
            archive.extractall(folder / "out")
        return next((folder / "out").iterdir())


class Desk:
    """A person of the office, signed in with both factors, at the screen."""

    def __init__(self, name: str, role: str) -> None:
        self.user: StaffMember = person(name, role)
        self._client = Client()
        self._client.force_login(self.user)

    def sees(self, path: str) -> str:
        return self._client.get(path).content.decode()

    def does(self, path: str, **fields: str) -> str:
        return self._client.post(path, fields, headers=ORIGIN, follow=True).content.decode()


class sequencing:
    """A sequencer that runs in a thread while a package is built."""

    def __enter__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            while not self._stop.wait(0.1):
                factories.sequence()
        finally:
            connection.close()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
