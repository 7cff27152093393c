"""Who of many uploads works next, and how much of them may be in memory at once.

Both are per process, and belong to its event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_REMEMBERED = 60.0  # seconds after which what somebody has used is forgotten


class Turns:
    """A few threads, and a queue in which whoever has used them least comes next.

    A newcomer waits for the pieces of work that are running and for nothing else, however many
    large uploads wait.
    """

    def __init__(self, threads: int) -> None:
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="seal")
        self._free = threads
        self._number = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._used: dict[str, tuple[float, float]] = {}  # who → (seconds of work, when last)

    async def run(self, who: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """`work(*arguments)` in a thread, in the turn of `who`."""
        await self._enter(who)
        began = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.threads, work, *arguments)
        finally:
            now = time.monotonic()
            self._used[who] = (self._used_by(who, now) + now - began, now)
            self._leave(now)

    async def _enter(self, who: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        used = self._used_by(who, time.monotonic())
        heapq.heappush(self._waiting, (used, next(self._number), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(time.monotonic())
            raise

    def _leave(self, now: float) -> None:
        while self._waiting:
            _used, _number, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
        self._used = {
            who: (seconds, last)
            for who, (seconds, last) in self._used.items()
            if now - last < _REMEMBERED
        }

    def _used_by(self, who: str, now: float) -> float:
        seconds, last = self._used.get(who, (0.0, 0.0))
        return seconds if now - last < _REMEMBERED else 0.0


class NoRoom(Exception):
    """There is no memory for more of this upload, and none to be had from a slower one."""


class Upload:
    """What the pool knows of one running upload's size and speed."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.received = 0
        self.evicted = False
        self.deadline: asyncio.Timeout | None = None  # while it waits for bytes

    @property
    def rate(self) -> float:
        return self.received / (time.monotonic() - self.began + 0.001)

    def evict(self) -> None:
        self.evicted = True
        if self.deadline:
            self.deadline.reschedule(asyncio.get_running_loop().time())


class Memory:
    """Bytes of all running uploads, counted as what a sealer holds of each at most.

    Small uploads always have room. Over the limit the slowest that has had its time makes room:
    a stalled upload holds memory only until somebody else needs it.
    """

    SMALL = 64 * 1024
    MOST = 30 * 1024**2  # one sealer: its pieces of the original and its frames
    ITS_TIME = 10.0

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._uploads: set[Upload] = set()

    def begin(self) -> Upload:
        upload = Upload()
        self._uploads.add(upload)
        return upload

    def end(self, upload: Upload) -> None:
        self._uploads.discard(upload)

    def take(self, upload: Upload, size: int) -> None:
        """Raises NoRoom."""
        upload.received += size
        if upload.received <= self.SMALL:
            return
        if sum(map(self._held, self._uploads)) <= self._limit:
            return
        slowest = min(self._may_go(), key=lambda other: other.rate, default=None)
        if slowest is None or slowest is upload:
            raise NoRoom
        slowest.evict()

    def _held(self, upload: Upload) -> int:
        if upload.evicted:
            return 0
        return max(0, min(upload.received, self.MOST) - self.SMALL)

    def _may_go(self) -> list[Upload]:
        had_its_time = time.monotonic() - self.ITS_TIME
        return [
            other for other in self._uploads if self._held(other) and other.began < had_its_time
        ]
