from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reporting.custody import checkpoints, verify


class Command(BaseCommand):
    help = (
        "Check the whole ledger. Exit 0: sound; 1: the first bad entry is named; 2: bad input; "
        "3: internal consistency only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=Path,
            help="a checkpoint that left the house: a file with the signed note",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        notes = self._notes(options["since"])
        key_file = settings.CHECKPOINT_PUBLIC_KEY_FILE
        if notes and not key_file.exists():
            raise CommandError(
                "CHECKPOINT_PUBLIC_KEY_FILE is not set: the checkpoints cannot be read.",
                returncode=2,
            )
        try:
            known = [checkpoints.read(note, checkpoints.public_key(key_file)) for note in notes]
            verdict = verify.verify(known)
        except checkpoints.NotACheckpoint as error:
            raise CommandError(
                f"A checkpoint was not signed by this ledger's key: {error}.", returncode=1
            ) from None
        except verify.LedgerBroken as error:
            raise CommandError(
                f"The ledger is broken. First bad entry: {error}.", returncode=1
            ) from None
        extent = f"{verdict.events} events, {verdict.placed} in the tree"
        if not known:
            self.stdout.write(
                f"Internal consistency only: {extent}. Without a checkpoint from outside, "
                "a database owner could have rewritten it all."
            )
            raise SystemExit(3)
        self.stdout.write(f"Sound: {extent}, {verdict.checkpoints} checkpoint(s) agree.")

    @staticmethod
    def _notes(since: Path | None) -> list[str]:
        if since:
            try:
                return [since.read_text()]
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(
                    f"{since} cannot be read: {getattr(error, 'strerror', 'it is no text')}.",
                    returncode=2,
                ) from None
        return checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG).notes()
