from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reporting.custody import checkpoints, sequencer, timestamps


class Command(BaseCommand):
    help = (
        "The sequencer: orders the ledger and signs checkpoints. One process; runs until stopped."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            running = sequencer.Sequencer(
                origin=settings.LEDGER_ORIGIN,
                key=checkpoints.private_key(settings.CHECKPOINT_KEY_FILE),
                log=checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG),
                stamp=timestamps.TimeStampAuthority.from_settings().stamp,
            )
        except sequencer.RolledBack as error:
            raise CommandError(
                f"Nothing was signed: {error}. Was an older copy of the database put back?",
                returncode=1,
            ) from None
        except sequencer.AnotherSequencer as error:
            raise CommandError(str(error), returncode=3) from None
        while True:
            if running.round() < sequencer.BATCH:
                time.sleep(0.2)
