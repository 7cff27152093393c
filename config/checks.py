"""Start-up checks: a door that could do more than its job does not start."""

from __future__ import annotations

from ctypes.util import find_library
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.management import call_command
from django.db import connection

from cases.operations import certificates
from cases.previews import sandbox
from config import env

RENEW_BEFORE = timedelta(days=14)
FACING_OUT = frozenset({"public", "upload", "partner"})
# Setting → the only doors that may see it.
_HELD_BY = {
    "OFFICE_KEY_FILE": {"opener"},
    "OPENER_SOCKET": {"staff", "worker", "opener"},
    "STAFF_SECRET_KEY_FILE": {"staff"},
    "PACKAGE_KEY_FILE": {"worker"},
    "CHECKPOINT_KEY_FILE": {"sequencer"},
    "TSA_KEY_FILE": {"sequencer", "worker"},
    "RECEIPT_KEY_FILE": {"public"},
    "LOOKUP_KEY_FILE": {"public", "upload"},
}
_ROLE_OF = {
    "public": "holdfast_public",
    "upload": "holdfast_public",
    "partner": "holdfast_partner",
    "staff": "holdfast_staff",
    "worker": "holdfast_staff",
    "opener": "holdfast_opener",
    "sequencer": "holdfast_sequencer",
}


def _running_doors() -> set[str]:
    """Empty for the operator's own commands, which hold what the ceremony gave him."""
    return set() if "operator" in settings.DOORS else set(settings.DOORS)


@register
def keys_lie_where_they_belong(**kwargs: Any) -> list[CheckMessage]:
    doors = _running_doors()
    if not doors:
        return []
    return [
        Error(f"{setting} is visible to the door {', '.join(sorted(doors))}. Only {', '.join(sorted(holders))} may hold it.",
              id="holdfast.E001")
        for setting, holders in _HELD_BY.items()
        if env.is_set(getattr(settings, setting)) and not doors & holders
    ]  # fmt: skip


@register
def one_role_for_each_door(**kwargs: Any) -> list[CheckMessage]:
    wanted = {_ROLE_OF[door] for door in _running_doors()}
    user = settings.DATABASES["default"]["USER"]
    if wanted and wanted != {user}:
        return [
            Error(
                f"This door signs in to the database as {user!r}; it must be {' or '.join(sorted(wanted))}.",
                id="holdfast.E002",
            )
        ]
    return []


@register("database")
def no_role_can_go_round_its_grants(**kwargs: Any) -> list[CheckMessage]:
    if not _running_doors():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = session_user"
        )
        if cursor.fetchone()[0]:
            return [
                Error(
                    "This door's database role is a superuser or can make roles.",
                    id="holdfast.E003",
                )
            ]
    return []


@register
def production_is_complete(**kwargs: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    doors = set(settings.DOORS)
    if "public" in doors:
        public_keys = settings.OFFICE_PUBLIC_KEYS_FILE
        count = len(public_keys.read_text().split()) if public_keys.exists() else 0
        if count < 2:
            found.append(
                Error(
                    f"{count} office public_key(s): production needs the working key and the paper key.",
                    id="holdfast.E004",
                )
            )
        if not settings.OPERATOR_TOLD_WITHOUT_AGREEMENT:
            found.append(
                Error(
                    "OPERATOR_TOLD_WITHOUT_AGREEMENT is blank: she must know who may be told before she tells.",
                    id="holdfast.E005",
                )
            )
        if not settings.OPERATOR_NAME:
            found.append(Error("OPERATOR_NAME is blank.", id="holdfast.E006"))
    if doors & {"staff"} and len(settings.SECRET_KEY) < 50:
        found.append(
            Error(
                "SECRET_KEY_FILE is missing or short: staff sessions would be signed with a known key.",
                id="holdfast.E007",
            )
        )
    if "staff" in doors and doors & FACING_OUT:
        found.append(
            Error(
                "The staff door shares a process with a door that faces the internet.",
                id="holdfast.E008",
            )
        )
    return found


@register
def parts_of_the_system_are_there(**kwargs: Any) -> list[CheckMessage]:
    """Warnings: without them something is left out, and nothing is less safe."""
    found: list[CheckMessage] = []
    doors = set(settings.DOORS)
    if doors & {"worker"} and find_library("pango-1.0") is None:
        words = "Pango is missing: packages cannot be built. Install libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0."
        found.append(CheckWarning(words, id="holdfast.W001"))
    if doors & {"staff"} and not sandbox.available():
        words = "Neither bubblewrap nor user namespaces work here: no picture is shown to anybody. Install bubblewrap."
        found.append(CheckWarning(words, id="holdfast.W002"))
    return found


@register
def certificates_last(**kwargs: Any) -> list[CheckMessage]:
    """A warning and no more: a report is taken even when nobody renewed the certificate for receipts."""
    found: list[CheckMessage] = []
    for setting in ("RECEIPT_CERTIFICATE_FILE", "PACKAGE_CERTIFICATE_FILE", "TSA_CERTIFICATE_FILE"):
        path = getattr(settings, setting)
        if path.exists() and (left := certificates.time_left(path)) < RENEW_BEFORE:
            when = f"runs out in {left.days} days" if left.days >= 0 else "has run out"
            kind = setting.partition("_")[0].lower()
            found.append(
                CheckWarning(
                    f"{path} {when}. Where the CA key lies: ./run manage certify {kind}",
                    id="holdfast.W003",
                )
            )
    return found


def refuse_to_start_if_wrong() -> None:
    """Doors that are not started by manage.py run the same checks. Raises SystemCheckError."""
    call_command("check", databases=["default"])
