from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from cases.staff.models import StaffMember
from reporting import office
from reporting.custody import openings
from reporting.models import OfficeWrap
from reporting.vault import keys, opener
from reporting.vault.keys import Secret


class _Books:
    """What the opener reads in the database: the ledger's opening events, and the wrapped keys."""

    @staticmethod
    def find(event_id: int) -> opener.OpeningEvent | None:
        close_old_connections()  # the database may have been restarted since the last request
        return openings.find(event_id)

    use = staticmethod(openings.use)
    used_since = staticmethod(openings.used_since)

    @staticmethod
    def is_active(actor: str) -> bool:
        return StaffMember.objects.filter(actor_id=actor, is_active=True).exists()

    @staticmethod
    def wraps(subject: str, *, in_force_only: bool) -> list[bytes]:
        wraps = OfficeWrap.objects.filter(subject=subject)
        if in_force_only:
            wraps = wraps.filter(key_id__in=[keys.key_id(key) for key in office.public_keys()])
        return [bytes(wrapped) for wrapped in wraps.values_list("wrapped", flat=True)]


class Command(BaseCommand):
    help = (
        "The opener: holds the office's private keys "
        "and gives a report's key against a custody event."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        office_keys = [Secret(line) for line in settings.OFFICE_KEY_FILE.read_text().split()]
        opener.serve(settings.OPENER_SOCKET, _Books(), office_keys)
