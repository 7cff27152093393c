"""Whether a report was sent by its reporter, asked without its key.

PostgreSQL checks no Ed25519 signature, so it cannot keep whoever holds the public door's role from
marking a draft as sent. The office checks the signature over the act of sending (`Receipt.sent`)
before it sorts, reads or decides; a report that lacks it is set aside and shown as one marked line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from reporting import signed
from reporting.custody import events
from reporting.custody.record import UnknownSubject, read_founding
from reporting.models import Receipt, Report

NOT_BY_REPORTER = "not sent by the reporter"


class NotSentByReporter(Exception):
    """Somebody who is not the reporter marked the draft as sent. Everything the reporter gave is
    still there."""


def by_reporter(reports: Iterable[str]) -> frozenset[str]:
    """Those of these reports whose act of sending their reporter signed. Two queries."""
    receipts = Receipt.objects.filter(report__in=list(reports)).only("body", "sent")
    given = {receipt.report_id: receipt for receipt in receipts}
    acts = [(report, seq) for report, receipt in given.items() for seq in (1, _seq(receipt))]
    recorded = {(event.subject, event.seq): event for event in events.at(acts)}
    return frozenset(
        report
        for report, receipt in given.items()
        if _signed(receipt, recorded.get((report, 1)), recorded.get((report, _seq(receipt))))
    )


def check(report: Report) -> None:
    """Raises NotSentByReporter."""
    if report.pk not in by_reporter([report.pk]):
        raise NotSentByReporter(
            "Somebody marked this report as sent, and not the person who wrote it. It is set aside."
        )


def _seq(receipt: Receipt) -> int:
    try:
        return int(json.loads(receipt.body)["head"]["seq"])
    except (ValueError, KeyError, TypeError):
        return 0


def _signed(receipt: Receipt, first: events.Event | None, act: events.Event | None) -> bool:
    if first is None or act is None or act.fault or act.name != "report:submitted":
        return False
    try:
        proof = json.loads(receipt.sent)
        signed.check(act, proof, read_founding(first.canonical, first.founding).signing_key)
    except (ValueError, TypeError, UnknownSubject, signed.NotSigned):
        return False
    return True
