from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.operations import ceremony


class Command(BaseCommand):
    help = (
        "Make every key of the house in an empty folder, and the office key's paper shares. "
        "Run it on a machine without network."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--out",
            type=Path,
            required=True,
            help="an empty or new folder, best on a removable disk",
        )
        parser.add_argument(
            "--operator", required=True, help="the name that stands in the certificates"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            held = ceremony.hold(options["out"], operator=options["operator"])
        except ceremony.AlreadyHeld as error:
            raise CommandError(
                f"{error} is not empty. Nothing was changed: name another folder.", returncode=2
            ) from None
        say = self.stdout.write
        say(f"Keys made in {held.folder}.\n")
        say(
            f"The office key on paper: {ceremony.SHARES} shares, "
            f"any {ceremony.SHARES_NEEDED} open it. They are shown once and stored"
        )
        say("nowhere. Three people each write one down by hand.\n")
        for number, share in enumerate(held.shares, start=1):
            say(f"--- share {number} ---")
            numbered = [f"{n:>2}. {word:<10}" for n, word in enumerate(share.split(), start=1)]
            for start in range(0, len(numbered), 6):
                say("  " + " ".join(numbered[start : start + 6]))
        self._try_the_handwriting(held)
        say(
            "\nCA certificate, SHA-256 "
            "(print it on the paper receipt, tell partners by phone):\n"
            f"{held.ca_fingerprint}"
        )
        say(
            "\nMove ca.key offline now. "
            "SECURITY.md says which process gets which of the other files."
        )

    def _try_the_handwriting(self, held: ceremony.Held) -> None:
        """At a terminal: two people type in their shares, and a test wrap is opened with them."""
        say = self.stdout.write
        if not sys.stdin.isatty():
            say(
                "\nA test wrap was opened with two of the shares. Nobody sat here to type them in: "
                "try the paper before you rely on it"
            )
            say("(./run manage try_paper).")
            return
        typed = [
            input(f"\nType one share from the paper ({n} of {ceremony.SHARES_NEEDED}): ")
            for n in (1, 2)
        ]
        try:
            ceremony.try_paper(
                typed, public_keys=(held.folder / "office-public-keys").read_text().split()
            )
        except ceremony.PaperDoesNotOpen as error:
            raise CommandError(
                f"The paper does not open the test wrap: {error}. "
                f"Delete {held.folder} and begin again."
            ) from None
        say("The paper opens the test wrap.")
