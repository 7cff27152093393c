from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import certificates

_REASONS = {
    "stolen": x509.ReasonFlags.key_compromise,
    "replaced": x509.ReasonFlags.superseded,
    "no-longer-used": x509.ReasonFlags.cessation_of_operation,
}


class Command(BaseCommand):
    help = (
        "Put a certificate on the list of those that ended before their time, for example because "
        "its key was stolen. Run it where the CA key lies, without network; then give the list to "
        "everybody who verifies packages and receipts."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "serial", help="its serial number: openssl x509 -in FILE.pem -noout -serial"
        )
        parser.add_argument("--reason", choices=sorted(_REASONS), required=True)
        parser.add_argument(
            "--ca", type=Path, required=True, help="the folder with ca.key and ca.pem"
        )
        parser.add_argument(
            "--list", type=Path, required=True, help="the list, made if it is not there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["list"]
        try:
            serial = int(options["serial"].removeprefix("serial="), 16)
            authority = certificates.CertificateAuthority.load(options["ca"])
            authority.end(path, serial, _REASONS[options["reason"]])
        except (OSError, ValueError) as error:
            raise CommandError(f"{error}. Nothing was changed.", returncode=2) from None
        self.stdout.write(f"{serial:X} is on {path}.")
        self.stdout.write(
            "Scripts that are given this list refuse what it signs: a receipt always, a package "
            "stamped from now on, and whatever an ended time stamp certificate stamped."
        )
