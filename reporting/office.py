"""The office's public keys, and the wraps by which it can open a report that was sent."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import connection

from reporting.vault import keys
from reporting.vault.keys import PublicKey, Secret


def public_keys() -> list[PublicKey]:
    """Two at least in production: the working key and the one on paper.

    Raises keys.NotAKey for a broken line: passed over, it would open nothing later.
    """
    return keys.read_public_keys(Path(settings.OFFICE_PUBLIC_KEYS_FILE).read_text())


def wrap_report(report_id: str, secret: Secret) -> None:
    """In the transaction that sends: the report's key for each of the office's public keys, and
    nothing else beside."""
    wraps = {keys.key_id(public_key): keys.wrap(secret, public_key) for public_key in public_keys()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.reporting_wrap_for_office(%s, %s, %s)",
            [report_id, list(wraps), list(wraps.values())],
        )
