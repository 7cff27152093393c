"""Everything up to and including sealed evidence. Each field is INTERNAL or PUBLIC by a list on its model, or a SealedField."""

from reporting.models.evidence import EvidenceItem, FileGroup
from reporting.models.exchange import Consent, Look, Message, PartnerOffer, Receipt
from reporting.models.people import Answer, Incident, Person
from reporting.models.report import OfficeWrap, Pulse, Report, ReporterSession, ReturnCodeWrap

__all__ = [
    "Answer",
    "Consent",
    "EvidenceItem",
    "FileGroup",
    "Incident",
    "Look",
    "Message",
    "OfficeWrap",
    "PartnerOffer",
    "Person",
    "Pulse",
    "Receipt",
    "Report",
    "ReporterSession",
    "ReturnCodeWrap",
]
