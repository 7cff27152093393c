"""Everything up to and including sealed evidence. Each field is INTERNAL or PUBLIC by a list on
its model, or a SealedField."""

from reporting.models.evidence import EvidenceItem, FileGroup, UploadReservation
from reporting.models.exchange import Colleague, Consent, Message, PartnerOffer, Receipt
from reporting.models.people import Answer, Incident, Person
from reporting.models.quarantine import Quarantine
from reporting.models.report import OfficeWrap, Pulse, Report, ReporterSession, ReturnCodeWrap

__all__ = [
    "Answer",
    "Colleague",
    "Consent",
    "EvidenceItem",
    "FileGroup",
    "Incident",
    "Message",
    "OfficeWrap",
    "PartnerOffer",
    "Person",
    "Pulse",
    "Quarantine",
    "Receipt",
    "Report",
    "ReporterSession",
    "ReturnCodeWrap",
    "UploadReservation",
]
