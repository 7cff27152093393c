"""One connection, one request: deadlines, sizes and budgets of a door, against a small
application with short limits."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from config import connections
from config.connections import Connection
from config.whole import DRAINED, SMALL, ReadWhole

LIMIT = 300_000


class Application:
    """WSGI: says what it was given. `hold` keeps every request inside; `file` answers with a
    file."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.may_leave = threading.Event()
        self.may_leave.set()
        self.file: Any = None
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.environs.append(environ)
        self.inside.release()
        self.may_leave.wait(30)
        if self.file and environ["PATH_INFO"] == "/file":
            start("200 OK", [("Content-Type", "application/octet-stream")])
            wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](self.file, 4096)
            return wrapped
        body = environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", str(len(str(len(body)))))])
        return [str(len(body)).encode()]


class Door:
    def __init__(self, application: Application, **limits: Any) -> None:
        self.application = application
        whole = ReadWhole(application, **{"limit": LIMIT, "threads": 2} | limits)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            whole, http=Connection, loop="uvloop", lifespan="off", ws="none", log_config=None
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def stop(self) -> None:
        self.application.may_leave.set()
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(
        self, method: str = "GET", path: str = "/", body: Any = None, **headers: str
    ) -> tuple[int, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        client.request(method, path, body, headers)
        answer = client.getresponse()
        with contextlib.closing(client):
            return answer.status, answer.read()


@pytest.fixture
def opened() -> Iterator[Callable[..., Door]]:
    doors: list[Door] = []

    def open_(**limits: Any) -> Door:
        doors.append(Door(Application(), **limits))
        return doors[-1]

    yield open_
    for door in doors:
        door.stop()


def _head(length: int, *more: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {length}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _rest(connection: socket.socket) -> bytes:
    found = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            found += piece
    return bytes(found)


class TestHead:
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)

    def test_a_silent_connection_is_closed(self, opened: Callable[..., Door]) -> None:
        with opened().connect() as silent:
            assert _rest(silent) == b""

    def test_a_dripping_head_gets_a_page_at_the_deadline(self, opened: Callable[..., Door]) -> None:
        with opened().connect() as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nX: ")
            for _ in range(3):
                time.sleep(0.1)
                slow.sendall(b"y")
            answer = _rest(slow)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"too slow" in answer

    @pytest.mark.parametrize("second", [b"", b"\r\n", b"GET /", b"GET / HTTP/1.1\r\nX: "])
    def test_the_deadline_holds_for_the_second_request_too(
        self, opened: Callable[..., Door], second: bytes
    ) -> None:
        with opened().connect() as again:
            again.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + second)
            answer = _rest(again)
        assert answer.startswith(b"HTTP/1.1 200 ")

    def test_a_head_without_end_is_refused(self, opened: Callable[..., Door]) -> None:
        with opened().connect() as long:
            with contextlib.suppress(OSError):
                long.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 400_000)
            answer = _rest(long)
        assert answer[:13] in (b"HTTP/1.1 431 ", b"")

    def test_what_is_no_http_gets_a_page_that_repeats_nothing(
        self, opened: Callable[..., Door]
    ) -> None:
        with opened().connect() as strange:
            strange.sendall(b"code=CANARY not http\r\n\r\n")
            answer = _rest(strange)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"CANARY" not in answer


class TestBody:
    def test_a_dripping_body_gets_a_page_at_the_deadline(self, opened: Callable[..., Door]) -> None:
        door = opened(body_seconds=0.5)
        with door.connect() as slow:
            slow.sendall(_head(100) + b"a")
            assert _rest(slow).startswith(b"HTTP/1.1 408 ")
        assert door.application.environs == []

    def test_a_slow_body_that_goes_on_is_waited_for(self, opened: Callable[..., Door]) -> None:
        with opened(body_seconds=0.5).connect() as slow:
            slow.sendall(_head(8_000, "Connection: close"))
            for _ in range(8):
                time.sleep(0.2)
                slow.sendall(b"x" * 1_000)
            assert _rest(slow).startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_body_over_the_limit_gets_a_page_and_not_a_reset(
        self, opened: Callable[..., Door], chunked: bool
    ) -> None:
        door, body = opened(), b"x" * (LIMIT + 30_000_000)
        status, page = door.ask("POST", body=iter([body]) if chunked else body)
        assert (status, b"in two parts" in page) == (413, True)
        assert len(body) < DRAINED
        assert door.application.environs == []

    def test_who_asks_first_is_told_before_the_body_is_sent(
        self, opened: Callable[..., Door]
    ) -> None:
        with opened().connect() as polite:
            polite.sendall(_head(LIMIT + 1, "Expect: 100-continue"))
            assert _rest(polite).startswith(b"HTTP/1.1 413 ")

    def test_trailers_are_not_headers(self, opened: Callable[..., Door]) -> None:
        door = opened()
        with door.connect() as tricky:
            tricky.sendall(
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close"
                b"\r\n\r\n1\r\na\r\n0\r\nOrigin: https://ours.example\r\n\r\n"
            )
            assert _rest(tricky).startswith(b"HTTP/1.1 200 ")
        assert "HTTP_ORIGIN" not in door.application.environs[0]

    def test_over_the_budget_the_oldest_large_body_goes_and_small_ones_never(
        self, opened: Callable[..., Door]
    ) -> None:
        door = opened(memory=2 * SMALL)
        with door.connect() as first, door.connect() as second:
            first.sendall(_head(LIMIT) + b"x" * (2 * SMALL))
            time.sleep(0.3)
            second.sendall(_head(LIMIT) + b"x" * (3 * SMALL))
            assert _rest(first).startswith(b"HTTP/1.1 503 ")
            assert door.ask("POST", body=b"x" * SMALL) == (200, str(SMALL).encode())
            second.sendall(b"x" * (LIMIT - 3 * SMALL))
            second.settimeout(1)
            with contextlib.suppress(TimeoutError):
                assert b"503" in second.recv(20)  # alone it is over the budget itself
        assert door.ask("POST", body=b"x" * 2 * SMALL)[0] == 200

    def test_an_evicted_body_that_goes_on_is_refused_and_never_answered_in_part(
        self, opened: Callable[..., Door]
    ) -> None:
        door = opened(memory=2 * SMALL)
        stop = threading.Event()

        def goes_on(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                connection.sendall(_head(LIMIT) + b"x" * (2 * SMALL))
                for _ in range(LIMIT - 2 * SMALL):
                    connection.sendall(b"x")
                    if stop.is_set():
                        return

        with door.connect() as first:
            thread = threading.Thread(target=goes_on, args=(first,))
            thread.start()
            time.sleep(0.3)
            statuses = {door.ask("POST", body=b"x" * (3 * SMALL - 1))[0] for _ in range(3)}
            stop.set()
            thread.join()
            assert statuses == {200}
            with contextlib.suppress(OSError):
                assert first.recv(20)[:13] in (b"HTTP/1.1 503 ", b"")
        assert {environ["CONTENT_LENGTH"] for environ in door.application.environs} == {
            str(3 * SMALL - 1)
        }

    def test_bodies_give_their_memory_back(self, opened: Callable[..., Door]) -> None:
        door = opened(memory=SMALL)
        for _ in range(5):
            assert door.ask("POST", body=b"x" * 2 * SMALL)[0] == 200
            with door.connect() as gone:
                gone.sendall(_head(LIMIT) + b"x" * 2 * SMALL)
        time.sleep(0.2)
        assert door.ask("POST", body=b"x" * 2 * SMALL)[0] == 200


class TestThreads:
    def test_who_waits_too_long_for_a_thread_is_told(self, opened: Callable[..., Door]) -> None:
        door = opened(threads=1, queue_seconds=0.3)
        door.application.may_leave.clear()
        with door.connect() as first:
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert door.application.inside.acquire(timeout=5)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            status, page = door.ask("POST", body=b"answer=my+own+words", **form)
            assert (status, b"Many people" in page) == (503, True)
            assert b">my own words</textarea>" in page
            door.application.may_leave.set()
            assert first.recv(20).startswith(b"HTTP/1.1 200 ")

    def test_waiting_bodies_take_no_thread(self, opened: Callable[..., Door]) -> None:
        door = opened(threads=1)
        with contextlib.ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(door.connect()).sendall(_head(100) + b"a")
            assert door.ask()[0] == 200
        assert len(door.application.environs) == 1


class TestConnections:
    def test_over_the_limit_the_one_that_waited_longest_goes(
        self, opened: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Connection, "open_at_once", 10)
        door = opened()
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(door.connect()) for _ in range(10)]
            time.sleep(0.3)
            assert door.ask() == (200, b"0")
            assert _rest(idle[0]) == b""
            idle[9].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle[9].recv(20).startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize("closes", [True, False])
    def test_a_body_that_is_coming_in_goes_only_where_bodies_are_small(
        self, opened: Callable[..., Door], monkeypatch: pytest.MonkeyPatch, closes: bool
    ) -> None:
        monkeypatch.setattr(Connection, "open_at_once", 1)
        monkeypatch.setattr(Connection, "closes_slow_bodies", closes)
        door = opened()
        with door.connect() as sending:
            sending.sendall(_head(2) + b"a")
            time.sleep(0.3)
            if closes:
                assert door.ask() == (200, b"0")
                assert _rest(sending) == b""
            else:
                with pytest.raises(OSError):  # noqa: PT011  reset, or closed before the answer
                    door.ask()
                sending.sendall(b"b")
                assert sending.recv(20).startswith(b"HTTP/1.1 200 ")


class TestAnswer:
    def test_a_file_is_never_whole_in_memory(
        self, opened: Callable[..., Door], tmp_path: Path
    ) -> None:
        door, size = opened(), 64 * 1024**2
        with (tmp_path / "package").open("w+b") as file, door.connect() as slow:
            file.truncate(size)
            door.application.file = file
            slow.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert slow.recv(20).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)
            assert file.tell() < size / 4
            assert len(_rest(slow)) > size

    def test_a_reader_that_stops_reading_is_let_go_and_the_file_closed(
        self, opened: Callable[..., Door], tmp_path: Path
    ) -> None:
        door = opened(stalled_seconds=0.5)
        with (tmp_path / "package").open("w+b") as file, door.connect() as stalled:
            file.truncate(64 * 1024**2)
            door.application.file = file
            stalled.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            deadline = time.monotonic() + 10
            while not file.closed and time.monotonic() < deadline:
                time.sleep(0.1)
            assert file.closed

    def test_no_address_reaches_the_application_and_no_header_passes_for_another(
        self, opened: Callable[..., Door]
    ) -> None:
        door = opened()
        door.ask(
            "GET",
            "/a%2Fb/%C3%A9?q=1",
            None,
            **{"X-Forwarded-For": "192.0.2.7", "X_Forwarded_Proto": "https", "Cookie": "a=1"},
        )
        environ = door.application.environs[0]
        assert environ["REMOTE_ADDR"] == ""
        assert "HTTP_X_FORWARDED_PROTO" not in environ
        assert environ["PATH_INFO"].encode("latin-1").decode() == "/a/b/é"
        assert environ["QUERY_STRING"] == "q=1"
        assert "127.0.0.1" not in str(
            {name: value for name, value in environ.items() if name != "HTTP_HOST"}
        )

    def test_nothing_of_a_body_is_ever_on_a_disk(self, opened: Callable[..., Door]) -> None:
        door = opened()
        door.ask("POST", body=b"x" * 200_000)
        assert isinstance(door.application.environs[0]["wsgi.input"], io.BytesIO)
