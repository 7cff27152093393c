from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.operations import seed, totp
from cases.staff.models import StaffMember


class Command(BaseCommand):
    help = (
        "The present six digits of a demo person's second factor, "
        "for a demo without an authenticator app."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = StaffMember.objects.filter(username=options["name"]).first()
        if user is None or not user.check_password(seed.PASSWORD_WORDS):
            raise CommandError("Only for people of the demo.", returncode=2)
        self.stdout.write(totp.code(seed.secret_of(user), time.time()))
