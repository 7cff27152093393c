from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.operations import acting, rotation
from reporting.actors import job
from reporting.vault.opener import Refused


class Command(BaseCommand):
    help = (
        "Wrap every report and case for the public keys now in force; "
        "with --drop-old, afterwards remove the old wraps. See SECURITY.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="remove the wraps of public keys no longer in force",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dropping: bool = options["drop_old"]
        by, done = job("rotate"), 0
        try:
            with acting.acting_as("worker"):
                if dropping and (missing := rotation.waiting(limit=1)):
                    raise CommandError(
                        f"{missing[0]} has no wrap for the keys in force. "
                        "Run it without --drop-old first; nothing was dropped.",
                        returncode=1,
                    )
                while subjects := (rotation.with_old() if dropping else rotation.waiting()):
                    for subject in subjects:
                        (rotation.drop_old if dropping else rotation.renew)(subject, by=by)
                        done += 1
        except (Refused, acting.CannotAct) as error:
            words = f"Stopped after {done}: {error}. What was done stays done; run it again."
            raise CommandError(words, returncode=1) from None
        if dropping:
            words = (
                f"The old wraps of {done} reports and cases were dropped. "
                "Now take the old key out of the opener's file and restart it."
            )
        else:
            words = (
                f"{done} reports and cases wrapped anew. "
                "When you have checked, run it again with --drop-old."
            )
        self.stdout.write(words)
