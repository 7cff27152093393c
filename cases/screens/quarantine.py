"""Locked items: facts only. Nobody sees one here, the officer decides by what was said about it."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases.casework import quarantine
from cases.models import QuarantineDecision
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting.models import EvidenceItem


@shows_refusals
def waiting(request: StaffRequest) -> HttpResponse:
    if not request.user.may(May.APPROVE_REFERRALS):
        request.user.check_may(May.DECIDE_QUARANTINE)
    why: tuple[int, str] | None = None
    if decision_id := request.POST.get("read"):
        decision = get_object_or_404(
            QuarantineDecision.objects.select_related("item"), pk=decision_id, confirmed_at=None
        )
        why = (decision.pk, quarantine.read_reason(decision, by=request.user))
    elif request.method == "POST":
        try:
            _decide(request)
        except (quarantine.NotWaiting, quarantine.ReasonMissing) as error:
            notices.error(request, str(error))
        return redirect("office:quarantine")
    rows = [
        (
            item,
            next(
                (one for one in item.quarantine_decisions.all() if one.confirmed_at is None), None
            ),
        )
        for item in quarantine.waiting()
    ]
    context = {
        "rows": rows,
        "why": why,
        "choices": QuarantineDecision.Choice.choices,
        "may_propose": request.user.may(May.DECIDE_QUARANTINE),
    }
    return render(request, "office/quarantine.html", context)


def _decide(request: StaffRequest) -> None:
    if decision_id := request.POST.get("confirm"):
        decision = get_object_or_404(
            QuarantineDecision.objects.select_related("item"), pk=decision_id
        )
        quarantine.confirm(decision, by=request.user)
        notices.success(request, "Confirmed and carried out.")
        return
    item = get_object_or_404(EvidenceItem, pk=request.POST.get("item", ""))
    if request.POST.get("choice") in QuarantineDecision.Choice.values:
        choice = QuarantineDecision.Choice(request.POST["choice"])
        quarantine.propose(item, choice, request.POST.get("reason", ""), by=request.user)
        notices.success(request, "Proposed. A second person confirms it.")
