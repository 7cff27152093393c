"""The worker's tasks. Each asks the database what is waiting, so a lost task does no harm.

Nothing is retried without a limit: each opening is an event that the reporter sees. A failure is
marked on the report or referral and shown to the staff.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import shared_task
from django.conf import settings

from cases.referrals import disclosure, recall
from cases.triage import queue
from reporting import evidence, receipts, retention
from reporting.actors import job
from reporting.models import EvidenceItem
from reporting.vault import opener

log = logging.getLogger("holdfast.worker")


@shared_task
def sweep() -> None:
    """Every two seconds: close hand-overs whose consent was withdrawn, assess reports that are new
    or were added to, verify new files, build approved packages."""
    recall.notice_what_she_took_back()
    if not opener.answers(settings.OPENER_SOCKET):
        log.error("the opener does not answer; new reports are not sorted until it does")
        return
    for report in [*queue.unassessed(), *queue.outdated()]:
        try:
            queue.assess(report)
        except Exception:
            log.exception("a report could not be assessed", extra={"report": report.pk})
            queue.could_not_assess(report)
    unverified = EvidenceItem.objects.filter(
        kind=EvidenceItem.Kind.FILE, state=EvidenceItem.State.KEPT
    )
    _verify(unverified.exclude(report__state="draft")[:200])
    for referral in disclosure.approved():
        try:
            disclosure.package(referral)
        except Exception as error:
            log.exception("a package could not be built", extra={"case": referral.case_id})
            disclosure.note_failure(referral, error)


@shared_task
def confirm() -> None:
    """Every half minute: give receipts their inclusion proof of the ledger."""
    receipts.confirm()


@shared_task
def rehash() -> None:
    """Every night: verify every object of the vault against the ledger's hash, without any key, and
    catch up on what a crash may have left undone."""
    recall.notice_what_she_took_back(everywhere=True)
    destroyed = EvidenceItem.objects.filter(state=EvidenceItem.State.DESTROYED)
    for vault_name in destroyed.values_list("vault_name", flat=True):
        # Again: a crash between the decision and the removal leaves the bytes in the vault.
        evidence.store().remove(vault_name)
    files = EvidenceItem.objects.filter(
        kind=EvidenceItem.Kind.FILE, state__in=[*EvidenceItem.OPENABLE]
    )
    _verify(files.iterator())


@shared_task
def expire() -> None:
    """Every night: delete drafts that nobody has touched for a long time."""
    retention.expire_drafts(by=job("retention"))


def _verify(items: Iterable[EvidenceItem]) -> None:
    for item in items:
        if not evidence.verify(item, by=job("verify")):
            log.error("an item does not match its hash", extra={"item": item.pk})
