"""Asking a time-stamping authority once an hour, in a thread of its own: one that is slow or away
holds up nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from reporting.custody.checkpoints import SignedCheckpoint
from reporting.custody.models import Checkpoint
from reporting.custody.timestamps import StampFailed

EVERY = 3600.0  # seconds
AGAIN_AFTER = 600.0  # seconds after an authority gave no answer

log = logging.getLogger("holdfast.sequencer")


class HourlyStamp:
    """`field`: the column of Checkpoint that keeps the stamps of this authority."""

    def __init__(self, field: str, stamp: Callable[[bytes], bytes]) -> None:
        self._field = field
        self._stamp = stamp
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=field)
        self._asked: tuple[SignedCheckpoint, Future[bytes]] | None = None
        self._newest: SignedCheckpoint | None = None  # without news there is nothing to stamp anew
        self._due = 0.0

    @property
    def waits(self) -> bool:
        """Whether an answer is outstanding."""
        return self._asked is not None

    def offer(self, checkpoint: SignedCheckpoint) -> None:
        """The newest checkpoint: what is stamped when the hour has come."""
        self._newest = checkpoint

    def step(self) -> None:
        """Keep an answer that has come, or ask when it is time. Returns at once."""
        if self._asked:
            checkpoint, answer = self._asked
            if answer.done():
                self._asked = None
                self._keep(checkpoint, answer)
        elif self._newest and time.monotonic() >= self._due:
            checkpoint, self._newest = self._newest, None
            answer = self._thread.submit(self._stamp, checkpoint.note.encode())
            self._asked = (checkpoint, answer)

    def _keep(self, checkpoint: SignedCheckpoint, answer: Future[bytes]) -> None:
        try:
            unstamped = Checkpoint.objects.filter(size=checkpoint.size, **{self._field: b""})
            unstamped.update(**{self._field: answer.result()})
            self._due = time.monotonic() + EVERY
        except (StampFailed, OSError):
            log.exception("a checkpoint got no %s; it is tried again in ten minutes", self._field)
            self._newest = self._newest or checkpoint
            self._due = time.monotonic() + AGAIN_AFTER
