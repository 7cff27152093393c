"""The case page: what she said, the evidence as facts, messages, notes, timeline, referrals."""

from __future__ import annotations

import base64

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases.casework import acts, examination
from cases.models import Assessment, Case, CaseReport, PartnerKey, Referral
from cases.reports import reading, timeline
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting import consent
from reporting.models import EvidenceItem, Report


@shows_refusals
def case(request: StaffRequest, case_id: str) -> HttpResponse:
    request.user.check_may(May.WORK_CASES)
    found = get_object_or_404(Case, pk=case_id)
    reports = list(Report.objects.filter(case_report__case=found).order_by("submitted_at"))
    context = {
        "case": found,
        "reports": [reading.open_report(one, by=request.user) for one in reports],
        "assessments": Assessment.objects.filter(report__in=reports, current=True).order_by("band"),
        "notes": reading.notes(found, by=request.user),
        "referrals": Referral.objects.filter(case=found).select_related(
            "partner_key__partner", "prepared_by", "approved_by"
        ),
        "next_states": [Case.State(state) for state in sorted(Case.NEXT[found.state])],
        "legal_bases": Referral.LegalBasis.choices,
        "timeline": timeline.of([found.pk, *(one.pk for one in reports)]),
        "partner_keys": [
            (one, _consent_word(one, reports))
            for one in PartnerKey.objects.select_related("partner").order_by("partner__name")
        ],
    }
    return render(request, "office/case.html", context)


def _consent_word(partner_key: PartnerKey, reports: list[Report]) -> str:
    for report in reports:
        try:
            given = consent.current(report, partner_key.partner_id)
        except (consent.ConsentMissing, consent.ConsentForged):
            continue
        return f"agreed, until {given.expires_at:%d %B %Y}"
    return "no consent"


@shows_refusals
def act(request: StaffRequest, case_id: str) -> HttpResponse:
    found = get_object_or_404(Case, pk=case_id)
    what, text = request.POST.get("what", ""), request.POST.get("text", "").strip()
    if request.method == "POST" and what == "note" and text:
        acts.add_note(found, text, by=request.user)
    elif request.method == "POST" and what == "message" and text:
        report = get_object_or_404(
            CaseReport, case=found, report_id=request.POST.get("report", "")
        ).report
        acts.write_to_reporter(report, text, by=request.user)
        notices.success(request, "Written. The reporter reads it on coming back with the code.")
    elif (
        request.method == "POST"
        and what == "move"
        and request.POST.get("state") in Case.State.values
    ):
        try:
            acts.move(found, Case.State(request.POST["state"]), by=request.user)
        except acts.NotNext as error:
            notices.error(request, str(error))
    return redirect("office:case", case_id)


@shows_refusals
def look(request: StaffRequest, item_id: str) -> HttpResponse:
    """Facts first and a reason; the picture only after that, into memory."""
    request.user.check_may(May.WORK_CASES)
    item = get_object_or_404(
        EvidenceItem.objects.exclude(report__state__in=Report.GONE),
        pk=item_id,
        kind=EvidenceItem.Kind.FILE,
    )
    case_report = get_object_or_404(CaseReport, report_id=item.report_id)
    context: dict[str, object] = {
        "item": item,
        "case_id": case_report.case_id,
        "openable": item.state in EvidenceItem.OPENABLE,
    }
    if request.method == "POST":
        try:
            revealed = examination.reveal(item, request.POST.get("reason", ""), by=request.user)
            context["revealed"] = revealed
            if revealed.picture:
                context["picture"] = base64.b64encode(revealed.picture).decode()
        except examination.ReasonMissing as error:
            context["missing"] = str(error)
    return render(request, "office/look.html", context)


@shows_refusals
def quarantine_item(request: StaffRequest, item_id: str) -> HttpResponse:
    """Also before there is a case: whoever reads that a child may be shown must not have to take it on first."""
    item = get_object_or_404(
        EvidenceItem.objects.exclude(report__state__in=Report.GONE), pk=item_id
    )
    if request.method == "POST":
        request.user.check_may(May.READ_QUEUE)
        examination.may_show_a_child(item, by=request.user)
        notices.success(
            request,
            "Locked. Nobody opens, copies or exports it until the safeguarding officer has decided.",
        )
    return redirect("office:report", item.report_id)
