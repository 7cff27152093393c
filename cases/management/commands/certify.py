from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import certificates


class Command(BaseCommand):
    help = (
        "Issue a new signing key and certificate before the old one runs out. "
        "Run it where the CA key lies, without network."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(certificates.KINDS), help="what it signs")
        parser.add_argument(
            "--ca", type=Path, required=True, help="the folder with ca.key and ca.pem"
        )
        parser.add_argument(
            "--out", type=Path, required=True, help="the folder for the new key and certificate"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kind, out = options["kind"], options["out"]
        try:
            authority = certificates.CertificateAuthority.load(options["ca"])
        except (OSError, ValueError) as error:
            raise CommandError(
                f"{options['ca']} holds no CA that can be read: {error}. Nothing was made.",
                returncode=2,
            ) from None
        try:
            out.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = authority.issue(out, kind)
        except FileExistsError as error:
            raise CommandError(
                f"{error.filename} is there already. Nothing was replaced: name another folder.",
                returncode=2,
            ) from None
        self.stdout.write(
            f"{out}/{kind}.key and {kind}.pem, good until {made.not_valid_after_utc:%d %B %Y}."
        )
        self.stdout.write(
            "Put both in the place of the old ones and restart the process that holds them "
            "(SECURITY.md names it)."
        )
