"""Whether a report was sent by its reporter, asked without its key.

PostgreSQL checks no Ed25519 signature, so it cannot keep whoever holds the public door's role from
marking a draft as sent. The office checks the signature over the act of sending (`Receipt.sent`)
before it sorts, reads or decides; a report that lacks it is set aside and shown as one marked line.
"""

from __future__ import annotations

from collections.abc import Iterable

from reporting import signed
from reporting.custody import events
from reporting.custody.record import UnknownSubject, read_founding
from reporting.models import Receipt, Report
from reporting.vault.untrusted_json import read_object

NOT_BY_REPORTER = "not sent by the reporter"


class NotSentByReporter(Exception):
    """Somebody who is not the reporter marked the draft as sent. Everything the reporter gave is
    still there."""


def by_reporter(reports: Iterable[str]) -> frozenset[str]:
    """Those of these reports whose act of sending their reporter signed. Three queries."""
    receipts = Receipt.objects.filter(report__in=list(reports)).only("sent")
    given = {receipt.report_id: receipt for receipt in receipts}
    acts = [*((report, 1) for report in given), *events.places(given, "report:submitted")]
    recorded = {(event.subject, event.name): event for event in events.at(acts)}
    return frozenset(
        report
        for report, receipt in given.items()
        if _signed(
            receipt,
            recorded.get((report, "report:started")),
            recorded.get((report, "report:submitted")),
        )
    )


def check(report: Report) -> None:
    """Raises NotSentByReporter."""
    if report.pk not in by_reporter([report.pk]):
        raise NotSentByReporter(
            "Somebody marked this report as sent, and not the person who wrote it. It is set aside."
        )


def _signed(receipt: Receipt, first: events.Event | None, act: events.Event | None) -> bool:
    if first is None or act is None or act.fault:
        return False
    try:
        proof = read_object(receipt.sent)
        signed.check(act, proof, read_founding(first.canonical, first.founding).signing_key)
    except (ValueError, TypeError, UnknownSubject, signed.NotSigned):
        return False
    return True
