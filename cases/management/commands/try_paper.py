from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.operations import ceremony


class Command(BaseCommand):
    help = (
        "Restore drill: open a test wrap with two shares from paper. "
        "Shares are read from standard input, one a line."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--public_keys",
            type=Path,
            required=True,
            help="the file office-public-keys of the ceremony",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shares = [input().strip() for _ in range(ceremony.SHARES_NEEDED)]
        try:
            ceremony.try_paper(shares, public_keys=options["public_keys"].read_text().split())
        except (ceremony.PaperDoesNotOpen, OSError) as error:
            raise CommandError(f"The paper does not open the test wrap: {error}") from None
        self.stdout.write("The paper opens the test wrap.")
