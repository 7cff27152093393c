"""The upload pool's own refusals: each is decided before or while the bytes come, each leads
back to a page that says why."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reporting import evidence, intake, on_record, questions, reservations
from reporting.models import EvidenceItem, Report, ReporterSession, UploadReservation
from reporting.screens import files, upload_pool
from reporting.screens.turns import Memory, NoRoom, Turns, Upload
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

    for closing in [upload_pool.turns.threads.submit(close) for _ in range(2)]:
        closing.result()


class Phone:
    """An adult's report with the age question answered, and one request to the pool."""

    def __init__(self, shown: str = "yes") -> None:
        started = intake.start(language="en")
        self.visit, self.token = started.visit, started.token
        for key, value in factories.ADULT_EXTORTION.items():
            intake.answer(self.visit, questions.BY_KEY[key], value)
        self.group = intake.open_file_group(self.visit, shown)

    def send(
        self,
        data: bytes = b"picture",
        *,
        between: Callable[[], object] = lambda: None,
        gone: bool = False,
        silent: bool = False,
        half_silent: Callable[[], object] | None = None,
        files: dict[str, bytes] | None = None,
        path: str = "",
        method: str = "POST",
        **headers: str,
    ) -> tuple[int, str]:
        """(status, the word that the page is asked to say). `between` runs when half of the body
        has come."""
        body, kind = multipart(files or {"x.jpg": data})
        sent = {
            "origin": PUBLIC,
            "cookie": f"{COOKIE}={self.token}",
            "content-type": kind,
            "content-length": str(len(body)),
            **headers,
        }
        scope = {
            "type": "http",
            "method": method,
            "path": path or f"/files/{self.group.pk}/",
            "headers": [
                (name.replace("_", "-").encode(), value.encode())
                for name, value in sent.items()
                if value
            ],
        }
        half = len(body) // 2
        parts = [{"type": "http.request", "body": body[:half], "more_body": True}]
        parts.append(
            {"type": "http.disconnect"}
            if gone
            else {"type": "http.request", "body": body[half:], "more_body": False}
        )
        answers: list[Any] = []
        stopped: list[bool] = []

        async def receive() -> Any:
            if len(parts) == 1 and half_silent and not stopped:
                stopped.append(True)
                asyncio.get_running_loop().call_later(0.1, half_silent)
                await asyncio.Event().wait()
            if len(parts) == 1 and silent:
                await asyncio.Event().wait()
            if len(parts) == 1:
                await asyncio.get_running_loop().run_in_executor(upload_pool.turns.threads, between)
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
    (entry,) = on_record.of(phone.visit.report.pk, phone.visit.secret).items
    facts = evidence.facts(entry)
    assert facts is not None and facts.file_name == "x.jpg"
    assert b"".join(evidence.open_sealed(entry, phone.visit.secret)) == b"picture"


@pytest.mark.parametrize("shown", ["no", "not_sure", "skipped"])
def test_anything_but_yes_to_the_age_of_those_shown_is_refused(shown: str) -> None:
    assert Phone(shown).send() == (303, "age")
    assert nothing_kept()


def test_an_age_answer_that_changes_while_the_bytes_come_is_in_time() -> None:
    phone = Phone()
    change = lambda: intake.answer(phone.visit, questions.BY_KEY["age"], "16_17")  # noqa: E731
    assert phone.send(b"x" * 2_000_000, between=change) == (303, "age")
    assert nothing_kept()


def test_the_files_own_answer_that_changes_while_the_bytes_come_is_in_time() -> None:
    phone = Phone()
    change = lambda: intake.change_file_group(phone.visit, phone.group, "not_sure")  # noqa: E731
    assert phone.send(b"x" * 2_000_000, between=change) == (303, "age")
    assert nothing_kept()


def test_changing_the_answer_waits_for_a_file_that_is_just_being_kept() -> None:
    """The lock itself: while a file is kept, the answer cannot change behind it, and then it
    locks that file."""
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
    intake.change_file_group(phone.visit, phone.group, "no")
    connection.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_only_a_form_of_ours_is_taken(origin: str) -> None:
    assert Phone().send(origin=origin) == (303, "elsewhere")
    assert nothing_kept()
    old_phone = Phone().send(origin=origin, referer=f"{PUBLIC}/more/")
    assert old_phone == (303, "elsewhere" if origin else "kept")


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
    assert Phone().send(method="GET") == (303, "")
    assert Phone().send(path="/files/../secret/") == (303, "")
    assert nothing_kept()


def test_every_word_of_the_pool_has_a_sentence_on_her_page() -> None:
    source = inspect.getsource(upload_pool)
    said = set(re.findall(r'Shut\("(\w+)"\)', source)) | {"kept", "none", "empty"}
    assert len(said) > 8
    assert said <= set(files._SAID)


def test_a_phone_that_says_nothing_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_pool, "_SILENT", 0.05)
    assert Phone().send(b"x" * 2_000_000, silent=True) == (0, "")
    assert nothing_kept()


def test_an_empty_file_is_said_and_not_kept() -> None:
    phone = Phone()
    assert phone.send(b"") == (303, "empty")
    assert nothing_kept()
    assert phone.send(files={"a": b"", "b": b"x"}) == (303, "kept")
    assert EvidenceItem.objects.count() == 1


def test_fifty_files_are_taken_at_once_and_no_more() -> None:
    phone = Phone()
    assert phone.send(files={f"{n}.jpg": b"x" for n in range(50)}) == (303, "kept")
    assert EvidenceItem.objects.count() == 50
    assert phone.send(files={f"{n}.jpg": b"x" for n in range(60)}) == (303, "parts")
    assert EvidenceItem.objects.count() == 100


@pytest.mark.parametrize("size", [1, 7, 65_536, 600_000, 3_000_000])
def test_a_file_full_of_what_looks_like_delimiters_arrives_as_it_was(size: int) -> None:
    phone = Phone()
    data = (b"\r\n--almost\r\n--" * (size // 14 + 1))[:size]
    assert phone.send(data) == (303, "kept")
    (entry,) = on_record.of(phone.visit.report.pk, phone.visit.secret).items
    assert b"".join(evidence.open_sealed(entry, phone.visit.secret)) == data


class TestReservations:
    def test_running_uploads_count_towards_the_quota(self, settings: Any) -> None:
        settings.DRAFT_QUOTA_BYTES = 5_000_000
        phone = Phone()
        second: list[tuple[int, str]] = []

        def send_another() -> None:
            second.append(phone.send(b"y" * 3_000_000))

        assert phone.send(b"x" * 3_000_000, between=send_another) == (303, "kept")
        assert second == [(303, "quota")]
        assert phone.send(b"z" * 1_000_000) == (303, "kept")
        assert not UploadReservation.objects.exists()

    def test_of_many_at_the_same_moment_only_as_many_are_admitted_as_fit(
        self, settings: Any
    ) -> None:
        settings.DRAFT_QUOTA_BYTES = 2_500
        report = Phone().visit.report
        start, told = threading.Barrier(6), []

        def ask() -> None:
            start.wait()
            try:
                reservations.reserve(report, 1_000)
                told.append("admitted")
            except reservations.QuotaReached:
                told.append("quota")
            connection.close()

        askers = [threading.Thread(target=ask) for _ in range(6)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert sorted(told) == ["admitted"] * 2 + ["quota"] * 4

    def test_one_report_has_four_uploads_at_once_and_a_dead_one_ends_by_itself(self) -> None:
        phone, other = Phone(), Phone()
        held = [reservations.reserve(phone.visit.report, 1) for _ in range(4)]
        assert phone.send() == (303, "busy")
        assert other.send() == (303, "kept")
        reservations.release(held[0])
        assert phone.send() == (303, "kept")
        reservations.reserve(phone.visit.report, 1)
        UploadReservation.objects.update(until=timezone.now())
        reservations.renew(held[1])
        assert phone.send() == (303, "kept")
        assert UploadReservation.objects.count() == 1

    def test_a_phone_that_goes_away_and_a_form_that_is_none_hold_nothing(self) -> None:
        phone = Phone()
        phone.send(b"x" * 2_000_000, gone=True)
        phone.send(content_type="text/plain")
        assert not UploadReservation.objects.exists()


class TestTurns:
    def test_a_newcomer_comes_before_those_who_have_worked_long(self) -> None:
        done: list[str] = []

        def work(who: str) -> None:
            time.sleep(0.02)
            done.append(who)

        async def scene() -> None:
            turns = Turns(threads=1)
            await turns.run("greedy", work, "greedy")
            many = [asyncio.create_task(turns.run("greedy", work, "greedy")) for _ in range(20)]
            await asyncio.sleep(0.03)
            await turns.run("newcomer", work, "newcomer")
            await asyncio.gather(*many)
            turns.threads.shutdown()

        asyncio.run(scene())
        assert done.index("newcomer") < 6
        assert len(done) == 22

    def test_somebody_who_gives_up_waiting_takes_no_turn_with_him(self) -> None:
        async def scene() -> None:
            turns = Turns(threads=1)
            slow = asyncio.create_task(turns.run("a", time.sleep, 0.1))
            await asyncio.sleep(0.02)
            given_up = asyncio.create_task(turns.run("b", time.sleep, 0))
            await asyncio.sleep(0.02)
            given_up.cancel()
            await slow
            await asyncio.wait_for(turns.run("c", time.sleep, 0), 5)
            turns.threads.shutdown()

        asyncio.run(scene())


class TestMemory:
    def test_a_stalled_upload_makes_room_and_a_small_one_always_has_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Memory, "ITS_TIME", 0.0)

        async def scene() -> None:
            memory = Memory(limit=10 * 1024**2)
            stalled, quick, small = memory.begin(), memory.begin(), memory.begin()
            stalled.began -= 100
            memory.take(stalled, 8 * 1024**2)
            memory.take(quick, 8 * 1024**2)
            assert stalled.evicted
            assert not quick.evicted
            memory.take(small, Memory.SMALL)
            memory.end(stalled)

        asyncio.run(scene())

    def test_the_slowest_itself_is_sent_away_rather_than_a_quicker_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scene() -> None:
            memory = Memory(limit=10 * 1024**2)
            quick, slow = memory.begin(), memory.begin()
            memory.take(quick, 9 * 1024**2)
            with pytest.raises(NoRoom):
                memory.take(slow, 2 * 1024**2)
            assert not quick.evicted

        asyncio.run(scene())

    def test_an_evicted_phone_is_told_and_nothing_of_it_is_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upload_pool, "memory", Memory(limit=1024))
        assert Phone().send(b"x" * 2_000_000) == (303, "busy")
        assert nothing_kept()

    def test_a_silent_phone_is_told_as_soon_as_its_memory_is_needed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[Upload] = []
        monkeypatch.setattr(upload_pool, "memory", _NotingMemory(begun))
        phone = Phone()
        assert phone.send(b"x" * 2_000_000, half_silent=lambda: begun[0].evict()) == (303, "busy")
        assert nothing_kept()


class _NotingMemory(Memory):
    def __init__(self, begun: list[Upload]) -> None:
        super().__init__(limit=1024**3)
        self._begun = begun

    def begin(self) -> Upload:
        upload = super().begin()
        self._begun.append(upload)
        return upload
