"""What the attacks share: the whole content of a package, and work in threads beside the test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection

Result = TypeVar("Result")


def content(package: Path) -> str:
    """Every byte of an unpacked package that can be text."""
    files = [path for path in sorted(package.rglob("*")) if path.is_file()]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


def withheld(package: Path) -> dict[str, str]:
    """What was left out → why, as the partner reads it."""
    listed = json.loads((package / "data/case/withheld.json").read_text())["withheld"]
    return {entry["what"]: entry["why"] for entry in listed}


def beside(work: Callable[[], Result]) -> Future[Result]:
    """Run `work` in a thread of its own, with a database connection of its own."""

    def closing() -> Result:
        try:
            return work()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    started = pool.submit(closing)
    pool.shutdown(wait=False)
    return started


def waits_for_a_lock(work: Future[Any]) -> bool:
    """Whether `work` comes to wait for a lock of somebody else; False when it ends first."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not work.done():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return True
        time.sleep(0.02)
    return False
