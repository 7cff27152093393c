from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.exports.gather import NotSequenced
from cases.operations import rehearsal
from cases.operations.acting import CannotAct
from reporting.vault.opener import Refused


class Command(BaseCommand):
    help = (
        "Rehearse the whole path with your own files, from the first answer to the partner's "
        "acknowledgement, before going live."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file",
            type=Path,
            action="append",
            required=True,
            help="a file to send; may be given again",
        )
        parser.add_argument(
            "--out",
            type=Path,
            required=True,
            help="a new or empty folder for the packages and the summary",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files, out = options["file"], options["out"]
        for path in files:
            if not path.is_file():
                raise CommandError(
                    f"{path} is not a file that can be read. Nothing was done.", returncode=2
                )
            try:
                path.open("rb").close()
            except OSError as error:
                raise CommandError(
                    f"{path} cannot be read: {error.strerror}. Nothing was done.", returncode=2
                ) from None
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(
                f"{out} cannot be made: {error.strerror}. Nothing was done.", returncode=2
            ) from None
        if any(out.iterdir()):
            raise CommandError(
                f"{out} is not empty. Nothing was done: name a new folder.", returncode=2
            )
        try:
            summary = rehearsal.run(files, out)
        except (Refused, NotSequenced, CannotAct) as error:
            raise CommandError(
                f"The rehearsal stopped: {error}. The report it made stays in the database "
                "and is marked as a rehearsal.",
                returncode=1,
            ) from None
        (out / "summary.json").write_text(json.dumps(asdict(summary), indent=1))
        for name, seconds in summary.seconds.items():
            self.stdout.write(f"{name:<20} {seconds:8.3f} s")
        self.stdout.write(
            "\nRehearsed. Now verify it as a partner would:\n"
            f"  cd {out} && unzip -q package.zip && sh verify.sh EVP-* ca.pem ledger.pub"
        )
