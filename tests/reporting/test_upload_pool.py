"""The upload pool's own refusals: each is decided before or while the bytes come, each leads back to a page that says why."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from reporting import evidence, intake, questions
from reporting.actors import REPORTER
from reporting.models import EvidenceItem, Report, ReporterSession
from reporting.screens import files, upload_pool
from tests import factories
from tests.reporter import COOKIE, multipart

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = "http://localhost:8100"


@pytest.fixture(autouse=True)
def _threads_close_their_connections() -> Iterator[None]:
    yield
    together = threading.Barrier(2)

    def close() -> None:
        together.wait()
        connection.close()

    for closing in [upload_pool._threads.submit(close) for _ in range(2)]:
        closing.result()


class Phone:
    """An adult's report with the age question answered, and one request to the pool."""

    def __init__(self, shown: str = "yes") -> None:
        started = intake.start(language="en", by=REPORTER)
        self.visit, self.token = started.visit, started.token
        for key, value in factories.ADULT_EXTORTION.items():
            intake.answer(self.visit, questions.BY_KEY[key], value, by=REPORTER)
        self.group = intake.open_file_group(self.visit, shown, by=REPORTER)

    def send(
        self,
        data: bytes = b"picture",
        *,
        between: Callable[[], object] = lambda: None,
        gone: bool = False,
        silent: bool = False,
        path: str = "",
        method: str = "POST",
        **headers: str,
    ) -> tuple[int, str]:
        """(status, the word that her page is asked to say). `between` runs when half of the body has come."""
        body, kind = multipart({"x.jpg": data})
        sent = {
            "origin": PUBLIC,
            "cookie": f"{COOKIE}={self.token}",
            "content-type": kind,
            "content-length": str(len(body)),
            **headers,
        }
        scope = {"type": "http", "method": method, "path": path or f"/files/{self.group.pk}/",
                 "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items() if value]}  # fmt: skip
        half = len(body) // 2
        parts = [{"type": "http.request", "body": body[:half], "more_body": True}]
        parts.append(
            {"type": "http.disconnect"}
            if gone
            else {"type": "http.request", "body": body[half:], "more_body": False}
        )
        answers: list[Any] = []

        async def receive() -> Any:
            if len(parts) == 1 and silent:
                await asyncio.Event().wait()
            if len(parts) == 1:
                await asyncio.get_running_loop().run_in_executor(upload_pool._threads, between)
            return parts.pop(0)

        async def send(message: Any) -> None:
            answers.append(message)

        asyncio.run(upload_pool.application(scope, receive, send))
        if not answers:
            return 0, ""
        location = dict(answers[0]["headers"]).get(b"location", b"").decode()
        assert not location or location.startswith(f"{PUBLIC}/more/?said=")
        return answers[0]["status"], location.rpartition("=")[2]


def nothing_kept() -> bool:
    return not EvidenceItem.objects.exists() and evidence.store().names() == []


def test_a_file_is_kept_and_its_name_stays_sealed() -> None:
    phone = Phone()
    assert phone.send() == (303, "kept")
    item = EvidenceItem.objects.get()
    assert evidence.acquisition(item, phone.visit.secret)["file_name"] == "x.jpg"
    assert b"".join(evidence.open_sealed(item, phone.visit.secret)) == b"picture"


@pytest.mark.parametrize("shown", ["no", "not_sure", "skipped"])
def test_anything_but_yes_to_the_age_of_those_shown_is_refused(shown: str) -> None:
    assert Phone(shown).send() == (303, "age")
    assert nothing_kept()


def test_an_age_answer_that_changes_while_the_bytes_come_is_in_time() -> None:
    phone = Phone()
    change = lambda: intake.answer(phone.visit, questions.BY_KEY["age"], "16_17", by=REPORTER)  # noqa: E731
    assert phone.send(b"x" * 2_000_000, between=change) == (303, "age")
    assert nothing_kept()


def test_the_files_own_answer_that_changes_while_the_bytes_come_is_in_time() -> None:
    phone = Phone()
    change = lambda: intake.change_file_group(phone.visit, phone.group, "not_sure", by=REPORTER)  # noqa: E731
    assert phone.send(b"x" * 2_000_000, between=change) == (303, "age")
    assert nothing_kept()


def test_changing_the_answer_waits_for_a_file_that_is_just_being_kept() -> None:
    """The lock itself: while a file is kept, the answer cannot change behind it, and then it locks that file."""
    phone = Phone()
    changing = threading.Thread(target=_change_and_close, args=(phone,))
    with transaction.atomic():
        Report.objects.select_for_update().get(pk=phone.visit.report.pk)
        changing.start()
        changing.join(timeout=1)
        assert changing.is_alive()
    changing.join(timeout=10)
    assert not changing.is_alive()


def _change_and_close(phone: Phone) -> None:
    intake.change_file_group(phone.visit, phone.group, "no", by=REPORTER)
    connection.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_another_sites_form_is_refused(origin: str) -> None:
    assert Phone().send(origin=origin)[0] == 403
    assert nothing_kept()


def test_without_a_session_or_with_a_foreign_group_nothing_is_taken() -> None:
    phone, other = Phone(), Phone()
    assert phone.send(path=f"/files/{other.group.pk}/") == (303, "age")
    assert phone.send(cookie=f"{COOKIE}=wrong") == (303, "closed")
    ReporterSession.objects.all().delete()
    assert phone.send() == (303, "closed")
    assert nothing_kept()


def test_quota_limit_and_length_are_asked_first(settings: Any) -> None:
    phone = Phone()
    assert phone.send(content_length="nonsense") == (303, "cut")
    settings.DRAFT_QUOTA_BYTES = 100
    assert phone.send() == (303, "quota")
    settings.DRAFT_QUOTA_BYTES = 10**9
    settings.MAX_FILE_BYTES = 10
    assert phone.send(b"more than ten bytes") == (303, "large")
    assert nothing_kept()


def test_a_phone_that_goes_away_leaves_nothing() -> None:
    assert Phone().send(b"x" * 2_000_000, gone=True) == (0, "")
    assert nothing_kept()
    assert not list(evidence.store()._root.glob("*/*"))  # type: ignore[attr-defined]


def test_what_is_no_form_is_refused() -> None:
    assert Phone().send(content_type="text/plain") == (303, "cut")
    assert Phone().send(method="GET")[0] == 404
    assert Phone().send(path="/files/../secret/")[0] == 404
    assert nothing_kept()


def test_every_word_of_the_pool_has_a_sentence_on_her_page() -> None:
    for word in ("kept", "none", "cut", "full", "large", "quota", "age", "closed"):
        assert files._SAID[word]
    assert json.dumps(sorted(files._SAID)) == json.dumps(
        sorted(["kept", "none", "cut", "full", "large", "quota", "age", "closed"])
    )


def test_a_phone_that_says_nothing_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_pool, "_SILENT", 0.05)
    assert Phone().send(b"x" * 2_000_000, silent=True) == (0, "")
    assert nothing_kept()
