"""Rotating the office key: every report and case is wrapped anew for the public keys now in force;
evidence is not touched.

Order: 1. `ceremony` in a new folder. 2. The opener's key file gets the new key's line beside the
old one; `office-public-keys` names the new public keys only; restart opener, public door, staff
door and worker. 3. `renew`.
4. `drop_old`, then take the old line out of the opener's file.

A wrap counts for nothing because it is there: before an old one goes, the opener opens the subject
with the keys in force alone, and every wrap for them is written anew from what it gave. Rotation
protects the future: whoever had the old key and an old backup still opens what was in it.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet

from cases.models import Case
from cases.stored import case_sha256
from reporting import evidence, office
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import OfficeWrap, Report
from reporting.stored import report_sha256
from reporting.vault import keys
from reporting.vault.keys import Secret


def waiting(limit: int = 1000) -> list[str]:
    """Subjects of the office that have no wrap for some public key in force, in the order of their
    ids."""
    in_force = [keys.key_id(public_key) for public_key in office.public_keys()]
    complete = (
        OfficeWrap.objects.filter(key_id__in=in_force)
        .values("subject")
        .annotate(wraps=Count("id"))
        .filter(wraps=len(in_force))
        .values("subject")
    )
    return _subjects(limit, without=complete)


def with_old(limit: int = 1000) -> list[str]:
    """Subjects that still have a wrap for a public key no longer in force."""
    in_force = [keys.key_id(public_key) for public_key in office.public_keys()]
    old = OfficeWrap.objects.exclude(key_id__in=in_force).order_by("subject")
    return list(old.values_list("subject", flat=True).distinct()[:limit])


def renew(subject: str, *, by: Actor) -> None:
    """Wraps for the public keys in force, beside the old ones. Raises
    reporting.vault.opener.Refused."""
    secret = evidence.office_key(subject, "wrap:renewed", detail={}, by=by)
    _write(subject, secret, "wrap:added", drop_others=False, by=by)


def drop_old(subject: str, *, by: Actor) -> None:
    """Only the wraps for the public keys in force stay, each written anew.

    Raises reporting.vault.opener.Refused when no wrap in force opens; nothing is dropped then.
    """
    secret = evidence.office_key(subject, "wrap:checked", detail={}, by=by)
    _write(subject, secret, "wrap:dropped", drop_others=True, by=by)


def _subjects(limit: int, *, without: QuerySet[OfficeWrap, Any]) -> list[str]:
    gone = [Report.State.DRAFT, Report.State.NOT_SENT, Report.State.ERASED]
    reports = Report.objects.exclude(state__in=gone).exclude(pk__in=without).order_by("id")
    cases = Case.objects.exclude(pk__in=without).order_by("id")
    return [
        *reports.values_list("id", flat=True)[:limit],
        *cases.values_list("id", flat=True)[:limit],
    ][:limit]


def _write(subject: str, secret: Secret, act: str, *, drop_others: bool, by: Actor) -> None:
    wraps = {keys.key_id(key): keys.wrap(secret, key) for key in office.public_keys()}
    sha256_of = case_sha256 if subject.startswith("C-") else report_sha256
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT public.reporting_replace_wraps(%s, %s, %s, %s)",
                [subject, list(wraps), list(wraps.values()), drop_others],
            )
        record(
            subject,
            act,
            actor=by,
            detail={"keys": list(wraps)},
            about_sha256=sha256_of(subject),
        )
