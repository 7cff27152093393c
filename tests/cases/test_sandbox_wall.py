"""The wall around hostile bytes: the strong one or none, and no more output than a picture may
have."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cases.previews import sandbox


@pytest.fixture
def tried_anew() -> Iterator[None]:
    sandbox._wall.cache_clear()
    yield
    sandbox._wall.cache_clear()


def test_without_bubblewrap_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, tried_anew: None
) -> None:
    which: Any = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "bwrap" else which(name))
    assert not sandbox.available()
    with pytest.raises(sandbox.NotShown, match="no sandbox"):
        sandbox.still(b"bytes")


def test_a_bubblewrap_that_does_not_work_here_is_no_wall(
    monkeypatch: pytest.MonkeyPatch, tried_anew: None
) -> None:
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: ["false"])
    assert not sandbox.available()


def _python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_a_child_that_writes_without_end_is_ended_before_it_fills_our_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "_PICTURE_LIMIT", 1024**2)
    began = time.monotonic()
    with pytest.raises(sandbox.NotShown, match="safely"):
        sandbox._run(_python("import os\nwhile True: os.write(1, bytes(65536))"), b"")
    assert time.monotonic() - began < sandbox._SECONDS


def test_a_child_that_does_nothing_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_PATIENCE", 0.5)
    with pytest.raises(sandbox.NotShown, match="too long"):
        sandbox._run(_python("import time; time.sleep(60)"), b"")


def test_the_child_gets_all_the_bytes_and_we_get_its_answer() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.exit(3)"
    whole = bytes(range(256)) * 20_000
    assert sandbox._run(_python(code), whole) == (3, whole[::-1])
