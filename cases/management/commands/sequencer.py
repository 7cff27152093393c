from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.operations import limits
from reporting.custody import checkpoints, sequencer
from reporting.custody.timestamps import OutsideAuthority, TimeStampAuthority

PAUSE = 0.2  # seconds between rounds


class Command(BaseCommand):
    help = (
        "The sequencer: orders the ledger and signs checkpoints, and ends transactions that hold"
        " up others. One process; runs until stopped."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            running = sequencer.Sequencer(
                settings.LEDGER_ORIGIN,
                checkpoints.private_key(settings.CHECKPOINT_KEY_FILE),
                checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG),
                _stamps(),
            )
        except sequencer.RolledBack as error:
            raise CommandError(
                f"Nothing was signed: {error}. Was an older copy of the database put back?",
                returncode=1,
            ) from None
        except checkpoints.LogUnreadable as error:
            raise CommandError(f"Nothing was signed: {error}.", returncode=2) from None
        except sequencer.AnotherSequencer as error:
            raise CommandError(str(error), returncode=3) from None
        threading.Thread(target=limits.keep_ending_overdue, daemon=True).start()
        while True:
            running.round()
            time.sleep(PAUSE)


def _stamps() -> dict[str, Callable[[bytes], bytes]]:
    """Column of Checkpoint → who stamps: always our own authority, and an outside one where the
    operator named it."""
    stamps: dict[str, Callable[[bytes], bytes]] = {
        "time_stamp": TimeStampAuthority.from_settings().stamp
    }
    if outside := OutsideAuthority.from_settings():
        stamps["outside_time_stamp"] = outside.stamp
    return stamps
