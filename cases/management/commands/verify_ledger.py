from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import records
from reporting.custody import checkpoints, verify

_LARGEST_NOTE = 1_000_000  # bytes


class Command(BaseCommand):
    help = (
        "Check the whole ledger. Exit 0: sound; 1: broken, what is wrong is named; 2: bad input; "
        "3: internal consistency only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=Path,
            help="a checkpoint that left the house: a file with the signed note",
        )
        parser.add_argument(
            "--without-files",
            action="store_true",
            help="leave out the vault, of which every byte is read otherwise",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key_file = settings.CHECKPOINT_PUBLIC_KEY_FILE
        try:
            key = checkpoints.public_key(key_file)
        except (OSError, ValueError):
            raise CommandError(
                "CHECKPOINT_PUBLIC_KEY_FILE names no public key: no checkpoint can be read.",
                returncode=2,
            ) from None
        log = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)
        # A log that is missing from its folder was removed; without the folder it is not at hand.
        at_hand = settings.CHECKPOINTS_LOG.parent.is_dir()
        kept = [_kept(options["since"], key)] if options["since"] else []
        # Beside the ledger itself, what is stored: rows, and objects in the vault.
        checks = [records.faults]
        if not options["without_files"] and _vault_at_hand():
            checks.append(records.vault_faults)
        roots = {
            "time_stamp": _certificates(settings.CA_CERTIFICATE_FILE),
            "outside_time_stamp": _certificates(settings.TSA_CA_FILE),
        }
        try:
            verdict = verify.verify(
                log if at_hand else None,
                kept,
                key=key,
                roots=roots,
                also=[_as_sentences(check) for check in checks],
            )
        except (checkpoints.LogUnreadable, OSError) as error:
            raise CommandError(f"Bad input: {error}.", returncode=2) from None
        if records.vault_faults not in checks:
            verdict.notes.append("No file of the vault was compared.")
        self._say(verdict)

    def _say(self, verdict: verify.Verdict) -> None:
        if verdict.count:
            lines = [f"The ledger is broken. Faults: {verdict.count}.", *verdict.faults]
            if verdict.count > len(verdict.faults):
                lines.append(f"… and {verdict.count - len(verdict.faults)} more.")
            raise CommandError("\n".join(lines), returncode=1)
        extent = f"{verdict.events} events, {verdict.placed} in the tree"
        if not verdict.checkpoints:
            self.stdout.write(
                f"Internal consistency only: {extent}. Without a checkpoint from outside, "
                "a database owner could have rewritten it all."
            )
        else:
            self.stdout.write(
                f"Sound: {extent}, {verdict.checkpoints} checkpoint(s) agree, "
                f"{verdict.stamps} time stamp(s) valid."
            )
        for note in verdict.notes:
            self.stdout.write(f"Note: {note}")
        if not verdict.checkpoints:
            raise SystemExit(3)


def _vault_at_hand() -> bool:
    """As with the log: one that is missing from its folder was removed."""
    return bool(settings.VAULT_S3_BUCKET) or settings.VAULT_DIR.parent.is_dir()


def _as_sentences(faults: Callable[[], Iterable[records.Fault]]) -> verify.Check:
    return lambda: map(str, faults())


def _kept(path: Path, key: Ed25519PublicKey) -> checkpoints.SignedCheckpoint:
    """A note in a file. What is no note at all is bad input; a note that this key did not sign is a
    broken ledger."""
    try:
        with path.open("rb") as file:
            note = file.read(_LARGEST_NOTE).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{path} cannot be read: {getattr(error, 'strerror', 'it is no text')}.", returncode=2
        ) from None
    try:
        return checkpoints.read(note, key)
    except checkpoints.NotACheckpoint as error:
        looks_like_one = "\n\n— " in note
        raise CommandError(
            f"{path} is not a checkpoint of this ledger: {error}.",
            returncode=1 if looks_like_one else 2,
        ) from None


def _certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file; none when there is no such file here."""
    if not path.exists():
        return []
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise CommandError(f"{path} holds no certificates.", returncode=2) from None
