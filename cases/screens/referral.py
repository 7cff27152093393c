"""Preparing, approving and handing over; and the emergency lane."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from cases.models import Case, CaseReport, Disclosure, PartnerKey, Referral
from cases.referrals import disclosure, downloads, emergency, handover, recall, review
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting.consent import ConsentForged, ConsentMissing
from reporting.models import EvidenceItem

_SAYS_WHY = (
    disclosure.PartnerKeyNotReady,
    disclosure.NotNext,
    disclosure.BasisMissing,
    handover.ItemQuarantined,
    disclosure.SamePerson,
    ConsentMissing,
    ConsentForged,
)


@shows_refusals
def prepare(request: StaffRequest, case_id: str) -> HttpResponse:
    case = get_object_or_404(Case, pk=case_id)
    if request.method != "POST":
        return redirect("office:case", case_id)
    case_report = get_object_or_404(CaseReport, case=case, report_id=request.POST.get("report", ""))
    chosen = request.POST.get("partner_key", "")
    partner_key = PartnerKey.objects.filter(pk=chosen).first() if chosen.isdigit() else None
    if partner_key is None:
        notices.error(
            request,
            "Please choose who it goes to: a partner whose key we know. Nothing was prepared.",
        )
        return redirect("office:case", case_id)
    items = EvidenceItem.objects.filter(
        report=case_report.report, pk__in=request.POST.getlist("items")
    ).values_list("pk", flat=True)
    try:
        made = disclosure.draft(
            case,
            case_report.report,
            partner_key,
            items=list(items),
            legal_basis=basis
            if (basis := request.POST.get("legal_basis", "")) in Referral.LegalBasis.values
            else "",
            words=request.POST.get("words", ""),
            by=request.user,
        )
    except _SAYS_WHY as error:
        notices.error(request, f"{error} Nothing was prepared.")
        return redirect("office:case", case_id)
    notices.success(request, "Prepared. A second person must approve it.")
    return redirect("office:referral", made.pk)


@shows_refusals
def referral(request: StaffRequest, referral_id: str) -> HttpResponseBase:
    request.user.check_may(May.PREPARE_REFERRALS)
    found = get_object_or_404(
        Referral.objects.select_related("partner_key__partner", "consent", "prepared_by"),
        pk=referral_id,
    )
    context: dict[str, object] = {"referral": found}
    if request.method == "POST":
        if found.lane == Referral.Lane.EMERGENCY and request.POST.get("what") not in {
            "read",
            "review",
        }:
            raise Http404  # it was told by phone: there is no package
        try:
            if request.POST.get("what") == "carry":
                return downloads.package(handover.in_person(found, by=request.user))
            context |= _do(request, found)
        except _SAYS_WHY as error:
            notices.error(request, str(error))
        found.refresh_from_db()
    context |= {
        "package": getattr(found, "package", None),
        "disclosure": getattr(found, "disclosure", None),
        "may_approve": request.user.may(May.APPROVE_REFERRALS)
        and found.prepared_by_id != request.user.pk,
        "is_mine": found.prepared_by_id == request.user.pk,
    }
    return render(request, "office/referral.html", context)


def _do(request: StaffRequest, found: Referral) -> dict[str, object]:
    """One act; what its page shows beside the notice."""
    what = request.POST.get("what")
    if what == "read":
        return {"papers": review.read(found, by=request.user)}
    if what == "hand_over":
        return {"code": handover.by_code(found, by=request.user)}
    if what == "approve":
        disclosure.approve(found, by=request.user)
        notices.success(request, "Approved. The package is being built; this takes a few seconds.")
    elif what == "answered" and request.POST.get("answer") in {"received", "rejected"}:
        carried = get_object_or_404(Disclosure.objects.exclude(collected_at=None), pk=found.pk)
        handover.acknowledge(
            carried,
            request.POST["answer"],
            request.POST.get("reference", ""),
            by=request.user.actor,
        )
        notices.success(request, "Their answer is on record.")
    elif what == "recall":
        recall.recall(found, by=request.user)
        notices.success(request, "On record. The reporter can see that they were told.")
    elif what == "review":
        emergency.review(found, by=request.user)
        notices.success(request, "Reviewed.")
    return {}


@shows_refusals
def tell_now(request: StaffRequest, case_id: str) -> HttpResponse:
    """Threat to life: one page, one person, no key, no approver."""
    request.user.check_may(May.DISCLOSE_EMERGENCY)
    case = get_object_or_404(Case, pk=case_id)
    reports = [row.report for row in CaseReport.objects.filter(case=case).select_related("report")]
    if request.method == "POST":
        report = next((one for one in reports if one.pk == request.POST.get("report")), reports[0])
        try:
            made = emergency.tell(
                case,
                report,
                told_to=request.POST.get("told_to", ""),
                called_back=request.POST.get("called_back", ""),
                said=request.POST.get("said", ""),
                threat_to_life=request.POST.get("threat_to_life") == "yes",
                by=request.user,
            )
        except disclosure.BasisMissing as error:
            return render(
                request,
                "office/tell_now.html",
                {"case": case, "reports": reports, "missing": str(error), "given": request.POST},
            )
        notices.success(request, "On record. A second person reviews it within 24 hours.")
        return redirect("office:referral", made.pk)
    return render(request, "office/tell_now.html", {"case": case, "reports": reports, "given": {}})
