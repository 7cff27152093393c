"""The worker's tasks. Each looks in the database for what is waiting, so a task that is lost or runs twice does no harm.

Nothing here may be tried again without end: each opening is an event that the reporter sees. What fails is marked, and a person is told.
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
    """Every two seconds: close what she took back, look at new reports and at what was added, check new items, build packages."""
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
    new = EvidenceItem.objects.filter(
        kind=EvidenceItem.Kind.FILE, state=EvidenceItem.State.KEPT
    ).exclude(report__state="draft")
    _verify(new[:200])
    for referral in disclosure.approved():
        try:
            disclosure.package(referral)
        except Exception as error:
            log.exception("a package could not be built", extra={"case": referral.case_id})
            disclosure.note_failure(referral, error)


@shared_task
def confirm() -> None:
    """Every half minute: receipts get the ledger's proof."""
    receipts.confirm()


@shared_task
def rehash() -> None:
    """Every night: every object of the vault against the ledger's hash, without any key; and what was to be done and was not."""
    recall.notice_what_she_took_back(everywhere=True)
    for name in EvidenceItem.objects.filter(state=EvidenceItem.State.DESTROYED).values_list(
        "vault_name", flat=True
    ):
        evidence.store().remove(
            name
        )  # again: a kill between the decision and the removal would have left the bytes
    _verify(
        EvidenceItem.objects.filter(
            kind=EvidenceItem.Kind.FILE, state__in=[*EvidenceItem.OPENABLE]
        ).iterator()
    )


@shared_task
def expire() -> None:
    """Every night: drafts that nobody has touched for long are forgotten."""
    retention.expire_drafts(by=job("retention"))


def _verify(items: Iterable[EvidenceItem]) -> None:
    for item in items:
        if not evidence.verify(item, by=job("verify")):
            log.error("an item does not match its hash", extra={"item": item.pk})
