"""The roles of the staff and what each may do. No role opens evidence without a recorded reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class May(Enum):
    """A permission. Its value completes the sentence “Your role may not …”."""

    READ_QUEUE = "see the queue and take reports in"
    WORK_CASES = "read cases, write notes and messages, plan, look at evidence with a reason"
    PREPARE_REFERRALS = "prepare a referral to a partner"
    APPROVE_REFERRALS = "approve a referral that somebody else prepared"
    DISCLOSE_EMERGENCY = "tell police or rescue alone when a life is threatened"
    DECIDE_QUARANTINE = "decide about items that may show a child, with a second person"
    CHECK_PARTNER_KEYS = "confirm a partner's key by a second road"


@dataclass(frozen=True)
class Role:
    name: str
    description: str
    permissions: frozenset[May]


CASEWORKER = Role(
    "Caseworker",
    "Reads what comes in, decides who is in danger first, works cases, prepares referrals, "
    "and may act alone in an emergency.",
    frozenset({May.READ_QUEUE, May.WORK_CASES, May.PREPARE_REFERRALS, May.DISCLOSE_EMERGENCY}),
)
SUPERVISOR = Role(
    "Supervisor",
    "Does what a caseworker does, approves what others prepared, reviews emergencies, "
    "confirms partners' keys.",
    CASEWORKER.permissions | {May.APPROVE_REFERRALS, May.CHECK_PARTNER_KEYS},
)
SAFEGUARDING_OFFICER = Role(
    "Safeguarding officer",
    "The named person who decides, with a second one, what happens to items that may show a child.",
    frozenset({May.READ_QUEUE, May.DECIDE_QUARANTINE}),
)
ALL = {"caseworker": CASEWORKER, "supervisor": SUPERVISOR, "safeguarding": SAFEGUARDING_OFFICER}
