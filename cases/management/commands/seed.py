from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import seed
from cases.staff.models import StaffMember


class Command(BaseCommand):
    help = "Fill an empty database with the demo's office. Prints the sign-ins as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partner-keys", type=Path, required=True, help="a folder for the demo partners' private keys")

    def handle(self, *args: Any, **options: Any) -> None:
        if StaffMember.objects.exists():
            raise CommandError("This database already has people in it. Nothing was changed.", returncode=2)
        self.stdout.write(json.dumps(seed.everything(options["partner_keys"])))
