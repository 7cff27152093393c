"""The worker's tasks. Each looks in the database for what is waiting, so a task that is lost or runs twice does no harm."""

from __future__ import annotations

import logging

from celery import shared_task

from cases.referrals import disclosure
from cases.triage import queue
from reporting import evidence
from reporting.actors import job
from reporting.models import EvidenceItem
from reporting.vault.opener import Refused

log = logging.getLogger("holdfast.worker")


@shared_task
def sweep() -> None:
    """Every two seconds: look at new reports, check new items, build approved packages."""
    for report in queue.unassessed():
        try:
            queue.assess(report)
        except Refused as refusal:
            log.error("a report could not be assessed", extra={"report": report.pk, "reason": str(refusal)})
    _verify(
        EvidenceItem.objects.filter(kind=EvidenceItem.Kind.FILE, state=EvidenceItem.State.KEPT).exclude(report__state="draft")[
            :200
        ]
    )
    for referral in disclosure.approved():
        try:
            disclosure.package(referral)
        except Exception:
            # Whatever went wrong, the referral stays approved and is tried again; one bad package must not stop the others.
            log.exception("a package could not be built", extra={"case": referral.case_id})


@shared_task
def rehash() -> None:
    """Every night: every object of the vault against the ledger's hash, without any key."""
    _verify(EvidenceItem.objects.filter(kind=EvidenceItem.Kind.FILE, state__in=[*EvidenceItem.OPENABLE]).iterator())


def _verify(items: object) -> None:
    for item in items:  # type: ignore[attr-defined]
        if not evidence.verify(item, by=job("verify")):
            log.error("an item does not match its hash", extra={"item": item.pk})
