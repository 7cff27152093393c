"""Work beside the caller, on a few threads that everything in this process shares.

Hashing, encrypting and writing let go of the interpreter, so they run at once on several cores.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition

_TURN = 8  # works of one lane before another lane gets the thread

_threads = ThreadPoolExecutor(
    max_workers=min(16, (os.cpu_count() or 2) + 2), thread_name_prefix="vault"
)


class Lane:
    """Works done one after the other, in the order they were put.

    A work never waits for another lane, so a full pool cannot stand still; a caller that must be
    slowed down waits with `wait_below`. After the first error the lane drops what is waiting, and
    every later call but `stop` raises that error.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._works: deque[Callable[[], object]] = deque()  # the first is the one being done
        self._error: BaseException | None = None

    def put(self, work: Callable[[], object]) -> None:
        with self._changed:
            self._raise_error()
            self._works.append(work)
            if len(self._works) == 1:
                _threads.submit(self._run)

    def wait_below(self, works: int) -> None:
        """Returns when fewer than `works` are waiting or being done."""
        with self._changed:
            while len(self._works) >= works:
                self._changed.wait()
            self._raise_error()

    def finish(self) -> None:
        """Returns when everything put so far is done."""
        self.wait_below(1)

    def stop(self) -> None:
        """Drops what is waiting; returns when the work being done has ended. Raises nothing."""
        with self._changed:
            while len(self._works) > 1:
                self._works.pop()
            while self._works:
                self._changed.wait()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        for _ in range(_TURN):
            error = None
            try:
                self._works[0]()
            except BaseException as caught:  # raised again where the caller waits
                error = caught
            with self._changed:
                self._works.popleft()
                if error:
                    self._error = error
                    self._works.clear()
                self._changed.notify_all()
                if not self._works:
                    return
        _threads.submit(self._run)
