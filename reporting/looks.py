"""Who looked at the report and what was done, as the reporter may see it: read from the ledger,
written by nobody else.

An opening is a look once the opener gave a key for it; a refused one is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from reporting import acts, signed
from reporting.acts import Words
from reporting.models import Colleague, PartnerOffer
from reporting.on_record import OnRecord
from reporting.sessions import Visit

LIMIT = 300
_ROLES: dict[str, Words] = {
    "caseworker": lazy("Caseworker"),
    "supervisor": lazy("Supervisor"),
    "safeguarding": lazy("Safeguarding officer"),
}


@dataclass(frozen=True)
class LookLine:
    """`times`: how often the same person did the same in a row; `at` is the latest of them."""

    who: str
    act: str
    at: datetime
    times: int = 1


def shown(known: OnRecord, *, since: datetime | None) -> list[LookLine]:
    """Newest first: all, or with `since` only what the reporter had not been shown before that
    time."""
    told_until = max(
        (
            act.seq
            for act in known.believed
            if act.name == "looks:shown" and since and act.at < since
        ),
        default=0,
    )
    looks = [
        act
        for act in reversed(known.acts)
        if act.door != "public" and acts.BY_NAME[act.name].reporter_sees and act.seq > told_until
    ]
    roles = dict(
        Colleague.objects.filter(actor__in={act.actor for act in looks}).values_list(
            "actor", "role"
        )
    )
    partners = dict(PartnerOffer.objects.values_list("partner", "name"))
    lines: list[LookLine] = []
    for act in looks[:LIMIT]:
        detail = known.details.get(act.id) or {}
        words = str(acts.BY_NAME[act.name].reporter_sees)
        partner = partners.get(str(detail.get("partner")), _("a partner"))
        role = _ROLES.get(roles.get(act.actor, ""))
        who = (
            _("Our computer")
            if act.actor.startswith("job:")
            else str(role or _("Somebody of the office"))
        )
        line = LookLine(who, words.format(partner=partner), act.at)
        if lines and (lines[-1].who, lines[-1].act) == (line.who, line.act):
            lines[-1] = replace(lines[-1], times=lines[-1].times + 1)
        else:
            lines.append(line)
    return lines


def mark_shown(visit: Visit, lines: Iterable[LookLine]) -> None:
    """The reporter has been told. On record, because it is a fact that somebody may ask about."""
    if list(lines):
        with transaction.atomic():
            signed.record_signed(visit, "looks:shown", detail={})
