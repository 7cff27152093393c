from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.staff import roles
from cases.staff.models import StaffMember


class Command(BaseCommand):
    help = (
        "Add a person to the office. The password is printed once; "
        "the second step is set up at the first sign-in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument(
            "--role", required=True, choices=sorted(roles.ALL), help="what the person does"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, role = options["name"], options["role"]
        if StaffMember.objects.filter(username=name).exists():
            raise CommandError(f"{name} is here already. Nothing was changed.", returncode=2)
        password = secrets.token_urlsafe(18)
        StaffMember.objects.create_user(name, password=password, role=role)
        self.stdout.write(f"{name}, {roles.ALL[role].name}: {roles.ALL[role].description}")
        self.stdout.write(
            f"Password, shown once: {password}\n"
            "Please change it at the first sign-in (the name at the top of the page)."
        )
