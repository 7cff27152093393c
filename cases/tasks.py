"""The worker's tasks. Each asks the database what is waiting, so a lost task does no harm.

The sweep only names what waits; each piece of work is a task of its own, claimed by one worker at a
time. Packages are built from a queue of their own, so that a long build holds up no triage. Nothing
is retried without a pause: each opening is an event that the reporter sees. A failure is marked on
the report or referral and shown to the staff.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from celery import Task, shared_task
from django.conf import settings
from django.db.models import QuerySet

from cases import claims, records
from cases.casework import quarantine as decisions
from cases.models import Referral
from cases.referrals import disclosure, recall
from cases.triage import queue
from reporting import evidence, receipts, retention, sent
from reporting.actors import job
from reporting.custody import openings
from reporting.models import EvidenceItem, Quarantine, Report
from reporting.vault import opener

log = logging.getLogger("holdfast.worker")


@shared_task
def sweep() -> None:
    """Every two seconds: close hand-overs whose consent was withdrawn, and name what waits to be
    done. What failed lately waits longer, and what is behind it does not."""
    with claims.claim("recall") as mine:
        if mine:
            recall.notice_withdrawn_consents()
    if not opener.answers(settings.OPENER_SOCKET):
        log.error("the opener does not answer; new reports are not sorted until it does")
        return
    tried = claims.held("assess")
    for report in [*queue.unassessed(but=tried), *queue.outdated(but=tried)]:
        _send(assess, report.pk)
    for report_id in _with_new_files(but=claims.held("measure")):
        _send(measure, report_id)
    for referral in disclosure.approved():
        _send(build, referral.pk)


@shared_task
def assess(report_id: str) -> None:
    """The rules' look at one report. What cannot be opened goes to the top, and a person looks;
    what its reporter did not send is set aside."""
    work = f"assess {report_id}"
    with claims.claim(work) as mine:
        report = Report.objects.get(pk=report_id)
        if not mine or not queue.needs_assessment(report):
            return
        try:
            if sent.by_reporter([report_id]):
                queue.assess(report)
            else:
                queue.set_aside_unsent(report)
        except Exception:
            log.exception("a report could not be assessed", extra={"report": report_id})
            claims.put_off(work)
            queue.could_not_assess(report)


@shared_task
def measure(report_id: str) -> None:
    """The new files of one report: checked, and all their hashes taken. From the queue of builds:
    it reads every byte."""
    work = f"measure {report_id}"
    with claims.claim(work, claims.BUILD_LEASE) as mine:
        if not mine or not _new_files().filter(report=report_id).exists():
            return
        try:
            evidence.measure(Report.objects.get(pk=report_id), by=job("verify"))
        except Exception:
            log.exception("new files could not be opened", extra={"report": report_id})
            claims.put_off(work)


@shared_task
def build(referral_id: str) -> None:
    """One approved package."""
    with claims.claim(f"build {referral_id}", claims.BUILD_LEASE) as mine:
        referral = Referral.objects.get(pk=referral_id)
        if not mine or referral not in disclosure.approved():
            return
        try:
            disclosure.package(referral)
        except Exception as error:
            log.exception("a package could not be built", extra={"case": referral.case_id})
            disclosure.note_failure(referral, error)


def _send(task: Task[[str], None], what: str) -> None:
    """The sweep comes again: what no worker has begun by then may be forgotten."""
    task.apply_async((what,), expires=30)


@shared_task
def confirm() -> None:
    """Every half minute: give receipts their inclusion proof of the ledger."""
    receipts.confirm()


@shared_task
def rehash() -> None:
    """Every night: every file of the vault, every answer, message and consent against the ledger,
    and the keys that the opener gave, without any key.

    And what a crash may have left undone.
    """
    recall.notice_withdrawn_consents(everywhere=True)
    for row in Quarantine.objects.filter(state=Quarantine.State.DESTROYED):
        decisions.destroy(row)  # again: a crash after the decision leaves the bytes in the vault
    for item in _openable_files().iterator():
        _verify(item)
    for fault in [*records.package_faults(), *records.faults()]:
        log.error(
            "a stored thing is not as recorded", extra={"item": fault.id, "reason": fault.why}
        )
    for sentence in openings.faults():
        log.error("a key that was given is not as recorded", extra={"reason": sentence})


@shared_task
def expire() -> None:
    """Every night: delete drafts that nobody has touched for a long time."""
    retention.expire_drafts(by=job("retention"))


def _with_new_files(limit: int = 100, *, but: Collection[str] = ()) -> list[str]:
    """Sent reports with a file that was not checked yet, without those of `but`."""
    files = _new_files().exclude(report__in=but)
    return list(files.values_list("report_id", flat=True).distinct()[:limit])


def _new_files() -> QuerySet[EvidenceItem]:
    files = _openable_files().filter(state=EvidenceItem.State.KEPT)
    return files.exclude(report__state__in=Report.GONE)


def _openable_files() -> QuerySet[EvidenceItem]:
    files = EvidenceItem.objects.filter(kind=EvidenceItem.Kind.FILE)
    closed = Quarantine.objects.exclude(state=Quarantine.State.RELEASED).values("thing")
    return files.exclude(state=EvidenceItem.State.INTEGRITY_FAILED).exclude(pk__in=closed)


def _verify(item: EvidenceItem) -> None:
    if not evidence.verify(item, by=job("verify")):
        log.error("an item does not match its hash", extra={"item": item.pk})
