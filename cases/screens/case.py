"""The case page: answers, evidence as facts, messages, notes, timeline, referrals. And looking at
one item of evidence."""

from __future__ import annotations

import base64

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases import stored
from cases.casework import acts, examination
from cases.errors import NotNext, ReasonMissing
from cases.models import Assessment, Case, CaseReport, Note, PartnerKey, Referral
from cases.reports import reading, timeline
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from cases.triage import assessments
from reporting import consent, quarantine
from reporting.models import EvidenceItem, Report


@shows_refusals
def case(request: StaffRequest, case_id: str) -> HttpResponse:
    """GET shows what is stored unsealed; POST opens reports and notes, which the reporters see."""
    request.user.check_may(May.WORK_CASES)
    case = get_object_or_404(Case, pk=case_id)
    present = Report.objects.filter(case_report__case=case).exclude(state__in=Report.GONE)
    reports = list(present.order_by("submitted_at"))
    context: dict[str, object] = {
        "case": case,
        "recorded": stored.case_recorded(case.pk),
        "closed": reports,
        "assessments": Assessment.objects.filter(report__in=reports, current=True).order_by("band"),
        "not_as_recorded": assessments.not_as_recorded(report.pk for report in reports),
        "notes_kept": Note.objects.filter(case=case).count(),
        "referrals": Referral.objects.filter(case=case).select_related(
            "partner_key__partner", "prepared_by", "approved_by"
        ),
        "next_states": [Case.State(state) for state in sorted(Case.NEXT[case.state])],
        "timeline": timeline.of([case.pk, *(report.pk for report in reports)]),
    }
    if request.method == "POST":
        context |= _opened(request, case, reports)
    return render(request, "office/case.html", context)


def _opened(request: StaffRequest, case: Case, reports: list[Report]) -> dict[str, object]:
    """What a person reads after pressing the button: reports and notes, and what a referral is
    prepared from."""
    partner_keys = PartnerKey.objects.select_related("partner").order_by("partner__name")
    return {
        "reports": [reading.open_report(report, by=request.user) for report in reports],
        "notes": reading.notes(case, by=request.user),
        "legal_bases": Referral.LegalBasis.choices,
        "partner_keys": [
            (partner_key, _consent_word(partner_key, reports)) for partner_key in partner_keys
        ],
    }


def _consent_word(partner_key: PartnerKey, reports: list[Report]) -> str:
    """The first consent to this partner among the reports, in words."""
    partner = partner_key.partner
    for report in reports:
        try:
            given = consent.current(report, partner.pk, partner.name)
        except consent.ConsentMissing:
            continue
        return f"agreed, until {given.expires_at:%d %B %Y}"
    return "no consent"


@shows_refusals
def act(request: StaffRequest, case_id: str) -> HttpResponse:
    case = get_object_or_404(Case, pk=case_id)
    if request.method != "POST":
        return redirect("office:case", case_id)
    what, text = request.POST.get("what", ""), request.POST.get("text", "").strip()
    if what == "note" and text:
        acts.add_note(case, text, by=request.user)
    elif what == "message" and text:
        report_id = request.POST.get("report", "")
        case_report = get_object_or_404(CaseReport, case=case, report_id=report_id)
        acts.write_to_reporter(case_report.report, text, by=request.user)
        notices.success(request, "Written. The reporter reads it on coming back with the code.")
    elif what == "allow_files":
        report_id = request.POST.get("report", "")
        case_report = get_object_or_404(CaseReport, case=case, report_id=report_id)
        try:
            acts.allow_files(case_report.report, text, by=request.user)
            notices.success(request, "On record. The reporter can send files of adults again.")
        except ReasonMissing as error:
            notices.error(request, str(error))
    elif what == "move" and request.POST.get("state") in Case.State.values:
        try:
            acts.move(case, Case.State(request.POST["state"]), by=request.user)
        except NotNext as error:
            notices.error(request, str(error))
    return redirect("office:case", case_id)


@shows_refusals
def look(request: StaffRequest, item_id: str) -> HttpResponse:
    """GET shows facts only; POST with a reason opens the file and shows a picture from memory."""
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
        "openable": item.pk not in quarantine.closed(item.report_id),
    }
    if request.method == "POST":
        try:
            revealed = examination.reveal(item, request.POST.get("reason", ""), by=request.user)
            context["revealed"] = revealed
            if revealed.picture:
                context["picture"] = base64.b64encode(revealed.picture).decode()
        except ReasonMissing as error:
            context["missing"] = str(error)
    return render(request, "office/look.html", context)


@shows_refusals
def quarantine_thing(request: StaffRequest, report_id: str) -> HttpResponse:
    """A file, link, account, answer or message; also without a case: nobody must accept a report
    first."""
    report = get_object_or_404(Report.objects.exclude(state__in=Report.GONE), pk=report_id)
    if request.method == "POST":
        try:
            examination.may_show_a_child(report, request.POST.get("thing", ""), by=request.user)
        except examination.NothingThere as error:
            notices.error(request, str(error))
        else:
            notices.success(
                request,
                "Locked. Nobody opens, copies or exports it "
                "until the safeguarding officer has decided.",
            )
    return redirect("office:report", report_id)
