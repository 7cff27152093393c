"""Preparing, approving and handing over a referral; and the emergency lane."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from cases import stored
from cases.errors import NotNext
from cases.models import Case, CaseReport, Disclosure, PartnerKey, Referral
from cases.referrals import disclosure, downloads, emergency, handover, recall, review
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting.consent import ConsentMissing
from reporting.models import EvidenceItem

_SAYS_WHY = (
    disclosure.PartnerKeyNotReady,
    NotNext,
    disclosure.BasisMissing,
    handover.ItemQuarantined,
    disclosure.SamePerson,
    ConsentMissing,
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
    )
    basis = request.POST.get("legal_basis", "")
    try:
        prepared = disclosure.draft(
            case,
            case_report.report,
            partner_key,
            items=list(items.values_list("pk", flat=True)),
            legal_basis=basis if basis in Referral.LegalBasis.values else "",
            words=request.POST.get("words", ""),
            by=request.user,
        )
    except _SAYS_WHY as error:
        notices.error(request, f"{error} Nothing was prepared.")
        return redirect("office:case", case_id)
    notices.success(request, "Prepared. A second person must approve it.")
    return redirect("office:referral", prepared.pk)


@shows_refusals
def referral(request: StaffRequest, referral_id: str) -> HttpResponseBase:
    request.user.check_may(May.PREPARE_REFERRALS)
    referral = get_object_or_404(
        Referral.objects.select_related("partner_key__partner", "consent", "prepared_by"),
        pk=referral_id,
    )
    context: dict[str, object] = {"referral": referral}
    if request.method == "POST":
        what = request.POST.get("what")
        if referral.lane == Referral.Lane.EMERGENCY and what not in {"read", "review"}:
            raise Http404  # it was told by phone: there is no package
        try:
            if what == "carry":
                package = handover.in_person(referral, by=request.user)
                return downloads.package(package.vault_name, package.name, package.encrypted_size)
            context |= _do(request, referral)
        except _SAYS_WHY as error:
            notices.error(request, str(error))
        referral.refresh_from_db()
    is_mine = referral.prepared_by_id == request.user.pk
    may_approve = request.user.may(May.APPROVE_REFERRALS) and not is_mine
    told = referral.lane == Referral.Lane.EMERGENCY and referral.state == Referral.State.DISCLOSED
    context |= {
        "recorded": stored.handover_recorded(referral.pk),
        "package": getattr(referral, "package", None),
        "disclosure": getattr(referral, "disclosure", None),
        "may_approve": may_approve,
        "read_first": may_approve and (told or referral.state == Referral.State.PREPARED),
        "is_mine": is_mine,
    }
    return render(request, "office/referral.html", context)


def _do(request: StaffRequest, referral: Referral) -> dict[str, object]:
    """One act; what the page shows of it beside the notice."""
    what = request.POST.get("what")
    if what == "read":
        return {"papers": review.read(referral, by=request.user)}
    if what == "hand_over":
        return {"code": handover.by_code(referral, by=request.user)}
    if what == "approve":
        disclosure.approve(referral, by=request.user)
        notices.success(request, "Approved. The package is being built; this takes a few seconds.")
    elif what == "answered" and request.POST.get("answer") in {"received", "rejected"}:
        get_object_or_404(Disclosure.objects.exclude(collected_at=None), pk=referral.pk)
        reference = request.POST.get("reference", "")
        handover.acknowledge(referral, request.POST["answer"], reference, by=request.user)
        notices.success(request, "Their answer is on record.")
    elif what == "recall":
        recall.recall(referral, by=request.user)
        notices.success(request, "On record. The reporter can see that they were told.")
    elif what == "review":
        emergency.review(referral, by=request.user)
        notices.success(request, "Reviewed.")
    return {}


@shows_refusals
def tell_now(request: StaffRequest, case_id: str) -> HttpResponse:
    """Threat to life: one person records what they told by phone; no partner key, no approval."""
    request.user.check_may(May.DISCLOSE_EMERGENCY)
    case = get_object_or_404(Case, pk=case_id)
    case_reports = CaseReport.objects.filter(case=case).select_related("report")
    reports = [case_report.report for case_report in case_reports]
    if request.method == "POST":
        chosen = [report for report in reports if report.pk == request.POST.get("report")]
        report = chosen[0] if chosen else reports[0]
        try:
            told = emergency.tell(
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
        return redirect("office:referral", told.pk)
    return render(request, "office/tell_now.html", {"case": case, "reports": reports, "given": {}})
