"""What staff and partners do. What a reporter said is stored sealed only."""

from cases.models.case import Assessment, Case, CaseReport, Note
from cases.models.claim import Claim
from cases.models.partner import Partner, PartnerKey
from cases.models.quarantine import QuarantineDecision
from cases.models.referral import Disclosure, Package, Referral

__all__ = [
    "Assessment",
    "Case",
    "CaseReport",
    "Claim",
    "Disclosure",
    "Note",
    "Package",
    "Partner",
    "PartnerKey",
    "QuarantineDecision",
    "Referral",
]
