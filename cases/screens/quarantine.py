"""What is quarantined, as facts only. The officer decides by what was said about a thing; nobody
can open one here."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cases.casework import quarantine
from cases.errors import ReasonMissing
from cases.models import QuarantineDecision
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting.models import Quarantine


@shows_refusals
def waiting(request: StaffRequest) -> HttpResponse:
    if not request.user.may(May.APPROVE_REFERRALS):
        request.user.check_may(May.DECIDE_QUARANTINE)
    why: tuple[int, str] | None = None
    if decision_id := request.POST.get("read"):
        decision = get_object_or_404(
            QuarantineDecision.objects.select_related("quarantine__report"),
            pk=decision_id,
            confirmed_at=None,
        )
        why = (decision.pk, quarantine.read_reason(decision, by=request.user))
    elif request.method == "POST":
        try:
            _decide(request)
        except (quarantine.NotWaiting, ReasonMissing) as error:
            notices.error(request, str(error))
        return redirect("office:quarantine")
    context = {
        "rows": quarantine.waiting(),
        "why": why,
        "choices": QuarantineDecision.Choice.choices,
        "may_propose": request.user.may(May.DECIDE_QUARANTINE),
    }
    return render(request, "office/quarantine.html", context)


def _decide(request: StaffRequest) -> None:
    if decision_id := request.POST.get("confirm"):
        decision = get_object_or_404(
            QuarantineDecision.objects.select_related("quarantine__report"), pk=decision_id
        )
        quarantine.confirm(decision, by=request.user)
        notices.success(request, "Confirmed and carried out.")
        return
    row = get_object_or_404(Quarantine, pk=request.POST.get("thing", ""))
    if request.POST.get("choice") in QuarantineDecision.Choice.values:
        choice = QuarantineDecision.Choice(request.POST["choice"])
        quarantine.propose(row, choice, request.POST.get("reason", ""), by=request.user)
        notices.success(request, "Proposed. A second person confirms it.")
