from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.operations import seed
from cases.staff.models import StaffMember


class Command(BaseCommand):
    help = "Add the demo's office to a database. Prints the sign-ins as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--partner-keys",
            type=Path,
            required=True,
            help="a folder for the demo partners' private keys",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if StaffMember.objects.filter(username__in=[name for name, _role in seed.STAFF]).exists():
            raise CommandError(
                "The demo's people are here already. Nothing was changed.", returncode=2
            )
        self.stdout.write(json.dumps(seed.everything(options["partner_keys"])))
