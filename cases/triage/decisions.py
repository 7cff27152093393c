"""What a caseworker decides about a report: accept, join, decline, or change its band.

Accept and join write to both chains, and each chain names the head of the other.
"""

from __future__ import annotations

from django.db import transaction

from cases import stored
from cases.models import Assessment, Case, CaseReport
from cases.models.case import case_id
from cases.staff.models import StaffMember
from cases.staff.roles import May
from cases.triage import assessments
from reporting import messages, office, sent
from reporting.custody.record import record, record_on_both, start_chain
from reporting.models import OfficeWrap, Report
from reporting.vault import keys


class AlreadyDecided(Exception):
    """Another person decided first; nothing was changed."""


def _claim(report: Report, state: Report.State) -> None:
    """Compare and set: of two people who decide at once, one succeeds. A declined report may still
    be accepted. Raises AlreadyDecided."""
    before = [earlier for earlier, later in Report.NEXT.items() if state in later]
    if Report.objects.filter(pk=report.pk, state__in=before).update(state=state) != 1:
        raise AlreadyDecided(
            "Somebody else has already decided about this report. Nothing was changed."
        )
    report.state = state


def take(report: Report, *, by: StaffMember) -> None:
    """A person begins to read it; no effect if one has already. Raises PermissionDenied,
    NotSentByReporter."""
    by.check_may(May.READ_QUEUE)
    sent.check(report)
    with transaction.atomic():
        if Report.objects.filter(pk=report.pk, state=Report.State.RECEIVED).update(
            state=Report.State.IN_TRIAGE
        ):
            record(report.pk, "report:taken", actor=by.actor, detail={})


def accept(report: Report, *, by: StaffMember) -> Case:
    """A new case with a key of its own, wrapped for each public key of the office.

    Raises PermissionDenied, AlreadyDecided.
    """
    by.check_may(May.WORK_CASES)
    secret = keys.new_secret()
    with transaction.atomic():
        take(report, by=by)
        _claim(report, Report.State.ACCEPTED)
        case = Case.objects.create(id=case_id(), assigned_to=by)
        start_chain(case.pk, public_key=keys.public_key_of(secret), signing_key=b"", actor=by.actor)
        for public_key in office.public_keys():
            OfficeWrap.objects.create(
                subject=case.pk,
                key_id=keys.key_id(public_key),
                wrapped=keys.wrap(secret, public_key),
            )
        _bind(case, report, "accepted", by=by)
    return case


def join(report: Report, case: Case, *, by: StaffMember) -> None:
    """Add the report to an existing case. Raises PermissionDenied, AlreadyDecided."""
    by.check_may(May.WORK_CASES)
    with stored.holding_case(case.pk):
        take(report, by=by)
        _claim(report, Report.State.JOINED)
        _bind(case, report, "joined", by=by)


def decline(report: Report, reason: str, *, out_of_scope: bool, by: StaffMember) -> None:
    """The reporter gets `reason` as a message. Raises PermissionDenied, AlreadyDecided."""
    by.check_may(May.WORK_CASES)
    state = Report.State.OUT_OF_SCOPE if out_of_scope else Report.State.DECLINED
    with transaction.atomic():
        take(report, by=by)
        _claim(report, state)
        messages.post(report, reason, by=by.actor)
        record(report.pk, f"report:{state.value}", actor=by.actor, detail={"reason": reason})


def override_band(report: Report, band: int, reason: str, *, by: StaffMember) -> Assessment:
    """A person sets the band (0 to 3). The reasons of the rules are kept beside it; `reason` lies
    sealed in the act's detail. Raises PermissionDenied."""
    by.check_may(May.WORK_CASES)
    with transaction.atomic():
        before = Assessment.objects.select_for_update().filter(report=report, current=True).first()
        known = before.reasons if before else []
        by_rules = [reason for reason in known if reason["rule"] != "person"]
        by_person = {"rule": "person", "band": band, "reason": "Changed by a person, who says why"}
        return assessments.keep(
            report,
            "report:band_changed",
            band=band,
            reasons=[by_person, *by_rules],
            actionability=before.actionability if before else 0,
            detail={"reason": reason},
            by=by.actor,
        )


def _bind(case: Case, report: Report, how: str, *, by: StaffMember) -> None:
    CaseReport.objects.create(case=case, report=report)
    record_on_both(
        report.pk,
        case.pk,
        f"report:{how}",
        on_case=f"case:report_{how}",
        actor=by.actor,
        detail={},
        case_sha256=stored.case_sha256(case.pk),
    )
