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
        by = job("rotate")
        if options["drop_old"]:
            try:
                dropped = rotation.drop_old(by=by)
            except rotation.NotRenewedYet as error:
                raise CommandError(str(error), returncode=1) from None
            self.stdout.write(
                f"{dropped} old wraps dropped. "
                "Now take the old key out of the opener's file and restart it."
            )
            return
        renewed = 0
        try:
            with acting.acting_as("staff"):
                while subjects := rotation.waiting():
                    for subject in subjects:
                        rotation.renew(subject, by=by)
                        renewed += 1
        except (Refused, acting.CannotAct) as error:
            words = f"Stopped after {renewed}: {error}. What was renewed stays; run it again."
            raise CommandError(words, returncode=1) from None
        self.stdout.write(
            f"{renewed} reports and cases wrapped anew. "
            "When you have checked, run it again with --drop-old."
        )
