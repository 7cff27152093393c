"""Start-up checks: a door that could do more than its job does not start."""

from __future__ import annotations

from ctypes.util import find_library
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.management import call_command
from django.db import connection

from cases import certificates
from cases.operations import limits, server
from cases.previews import sandbox
from config import doors, env
from reporting.vault import keys

RENEW_BEFORE = timedelta(days=14)
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def _running_doors() -> set[str]:
    """Empty for the operator's own commands, which hold what the ceremony gave him."""
    return set() if doors.OPERATOR in settings.DOORS else set(settings.DOORS)


@register
def keys_lie_where_they_belong(**kwargs: Any) -> list[CheckMessage]:
    running = _running_doors()
    if not running:
        return []
    return [
        Error(
            f"{setting} is visible to the door {', '.join(sorted(running))}."
            f" Only {', '.join(sorted(holders))} may hold it.",
            id="holdfast.E001",
        )
        for setting, holders in doors.holders().items()
        if env.is_set(getattr(settings, setting)) and not running & holders
    ]


@register
def one_role_for_each_door(**kwargs: Any) -> list[CheckMessage]:
    wanted = {doors.DOORS[door].database_user for door in _running_doors()}
    user = settings.DATABASES["default"]["USER"]
    if wanted and wanted != {user}:
        named = " or ".join(sorted(role or "nobody: it has no database" for role in wanted))
        return [
            Error(
                f"This door signs in to the database as {user!r}; it must be {named}.",
                id="holdfast.E002",
            )
        ]
    return []


@register("database")
def no_role_can_go_round_its_grants(**kwargs: Any) -> list[CheckMessage]:
    if not any(doors.DOORS[door].role for door in _running_doors()):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolbypassrls"
            " FROM pg_roles WHERE rolname = session_user"
        )
        if cursor.fetchone()[0]:
            return [
                Error(
                    "This door's database role is a superuser or can make roles.",
                    id="holdfast.E003",
                )
            ]
    return []


@register("database")
def the_role_has_the_settings_it_was_given(**kwargs: Any) -> list[CheckMessage]:
    """It may change them itself: what a captured door left there would outlast it."""
    if not any(doors.DOORS[door].role for door in _running_doors()):
        return []
    with connection.cursor() as cursor:
        changed = limits.changed(cursor)
    if not changed:
        return []
    words = (
        f"{', '.join(changed)}: somebody changed how this door's database role works. Give it a"
        " new password, then ./run manage migrate sets it right (cases/operations/limits.py)."
    )
    return [Error(words, id="holdfast.E010")]


@register("database")
def the_role_can_use_up_nothing_of_all(**kwargs: Any) -> list[CheckMessage]:
    """Warnings: whoever runs the server decides, and an open office is better than none."""
    if not any(doors.DOORS[door].role for door in _running_doors()):
        return []
    with connection.cursor() as cursor:
        return [
            CheckWarning(
                f'This door could stop the others: {fault}. See "The database server" in'
                " config/README.md.",
                id="holdfast.W005",
            )
            for fault in server.faults(cursor)
        ]


@register("database")
def the_role_may_hold_all_connections(**kwargs: Any) -> list[CheckMessage]:
    """A warning: with too few, visitors of a busy door get errors, and nothing is less safe."""
    served = [door for door in _running_doors() if doors.DOORS[door].port is not None]
    if not served:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user")
        limit = cursor.fetchone()[0]
    wanted = settings.PROCESSES * settings.DJANGO_THREADS
    if limit == -1 or wanted <= limit:
        return []
    words = (
        f"{settings.PROCESSES} processes of {settings.DJANGO_THREADS} threads want {wanted}"
        f" database connections; the role may hold {limit} (cases/operations/limits.py)."
    )
    return [CheckWarning(words, id="holdfast.W004")]


@register
def the_office_is_complete(**kwargs: Any) -> list[CheckMessage]:
    """Everything that only a local office may do without."""
    if settings.LOCAL:
        return _local_means_this_machine()
    running = _running_doors()
    found: list[CheckMessage] = []
    if "public" in running:
        found += _public_door_is_complete()
    if any(doors.DOORS[door].signs_in for door in running):
        key = settings.SECRET_KEY_FILE
        if not env.is_set(key) or len(key.read_text().strip()) < 50:
            words = "SECRET_KEY_FILE is missing or short: sessions would be signed with a weak key."
            found.append(Error(words, id="holdfast.E007"))
    if len(running) > 1:
        words = f"The doors {', '.join(sorted(running))} share a process, and so their keys."
        found.append(Error(words, id="holdfast.E008"))
    return found


def _local_means_this_machine() -> list[CheckMessage]:
    others = {
        origin for origin in settings.OWN_ORIGINS if urlsplit(origin).hostname not in _LOCAL_HOSTS
    }
    if not others:
        return []
    words = f"LOCAL is for one machine, and this door is {', '.join(sorted(others))}."
    return [Error(words, id="holdfast.E009")]


def _public_door_is_complete() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    public_keys = settings.OFFICE_PUBLIC_KEYS_FILE
    try:
        count = len(keys.read_public_keys(public_keys.read_text() if public_keys.exists() else ""))
    except keys.NotAKey as error:
        found.append(Error(f"{public_keys}: {error}", id="holdfast.E004"))
    else:
        if count < 2:
            words = f"{count} office public key(s): the working key and the paper key are needed."
            found.append(Error(words, id="holdfast.E004"))
    if not settings.OPERATOR_TOLD_WITHOUT_AGREEMENT:
        words = "OPERATOR_TOLD_WITHOUT_AGREEMENT is blank: reporters must know who may be told."
        found.append(Error(words, id="holdfast.E005"))
    if not settings.OPERATOR_NAME:
        found.append(Error("OPERATOR_NAME is blank.", id="holdfast.E006"))
    return found


@register
def parts_of_the_system_are_there(**kwargs: Any) -> list[CheckMessage]:
    """Warnings: without them something is left out, and nothing is less safe."""
    found: list[CheckMessage] = []
    if "builder" in settings.DOORS and find_library("pango-1.0") is None:
        words = (
            "Pango is missing: packages cannot be built."
            " Install libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0."
        )
        found.append(CheckWarning(words, id="holdfast.W001"))
    if "staff" in settings.DOORS and not sandbox.available():
        words = (
            "bubblewrap does not work here, so no picture is shown to anybody. Install bubblewrap."
        )
        found.append(CheckWarning(words, id="holdfast.W002"))
    return found


@register
def certificates_last(**kwargs: Any) -> list[CheckMessage]:
    """A warning and no more: a report is taken even when nobody renewed the certificate for
    receipts."""
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
    with_database = any(doors.DOORS[door].role for door in _running_doors())
    call_command("check", databases=["default"] if with_database else None)
