"""The queue, reading a report, and deciding about it."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from cases.casework import quarantine
from cases.models import Assessment, Case, Referral
from cases.referrals import emergency, recall
from cases.reports import reading
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from cases.triage import decisions, queue
from reporting import harms
from reporting.models import Report


@shows_refusals
def waiting(request: StaffRequest) -> HttpResponse:
    request.user.check_may(May.READ_QUEUE)
    lines = queue.waiting(_after(request))
    last = lines[-1] if len(lines) >= queue.PAGE and lines[-1].assessment else None
    mine = (
        Case.objects.filter(assigned_to=request.user)
        .exclude(state=Case.State.CLOSED)
        .order_by("-opened_at")[:20]
    )
    may_see_locked = request.user.may(May.DECIDE_QUARANTINE) or request.user.may(
        May.APPROVE_REFERRALS
    )
    approve = []
    if request.user.may(May.APPROVE_REFERRALS):
        waiting_for_me = Referral.objects.filter(state=Referral.State.PREPARED).exclude(
            prepared_by=request.user
        )
        approve = list(
            waiting_for_me.select_related("partner_key__partner", "prepared_by").order_by(
                "prepared_at"
            )[:20]
        )
    return render(
        request,
        "office/queue.html",
        {
            "news": [(line, _ago(line.report.news_at)) for line in queue.news()],
            "lines": [
                (line, [_term(code) for code in line.types], _ago(line.report.submitted_at))
                for line in lines
            ],
            "last": last,
            "mine": mine,
            "approve": approve,
            "may_refer": request.user.may(May.PREPARE_REFERRALS),
            "locked": len(quarantine.waiting()) if may_see_locked else 0,
            "to_tell": recall.to_tell(),
            "emergencies": [(one, emergency.overdue(one)) for one in emergency.unreviewed()],
        },
    )


def _after(request: HttpRequest) -> queue.After | None:
    try:
        return queue.After(
            int(request.GET["band"]),
            datetime.fromisoformat(request.GET["at"].replace(" ", "+")),
            request.GET["report"],
        )
    except (KeyError, ValueError):
        return None


def _term(code: str) -> str:
    return harms.BY_CODE[code].term if code in harms.BY_CODE else "Own words only"


def _ago(at: datetime | None) -> str:
    assert at is not None
    minutes = int((timezone.now() - at).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


@shows_refusals
def report(request: StaffRequest, report_id: str) -> HttpResponse:
    """Reading is an act: the GET shows what stands in the clear, the button opens it."""
    found = get_object_or_404(Report.objects.exclude(state__in=Report.GONE), pk=report_id)
    case_report = getattr(found, "case_report", None)
    if case_report:
        return redirect("office:case", case_report.case_id)
    context: dict[str, object] = {
        "report": found,
        "assessment": Assessment.objects.filter(report=found, current=True).first(),
        "terms": [_term(one.reported_type) for one in found.incidents.all()],
        "bands": Assessment.Band.choices,
        "cases": Case.objects.exclude(state=Case.State.CLOSED).order_by("-opened_at")[:50],
        "waited": _ago(found.submitted_at),
    }
    if request.method == "POST":
        decisions.take(found, by=request.user)
        context["open"] = reading.open_report(found, by=request.user)
    return render(request, "office/report.html", context)


@shows_refusals
def decide(request: StaffRequest, report_id: str) -> HttpResponse:
    found = get_object_or_404(Report.objects.exclude(state__in=Report.GONE), pk=report_id)
    if request.method != "POST":
        return redirect("office:report", report_id)
    what, text = request.POST.get("what", ""), request.POST.get("text", "").strip()
    try:
        if what == "accept":
            return redirect("office:case", decisions.accept(found, by=request.user).pk)
        if what == "join":
            case = get_object_or_404(Case, pk=request.POST.get("case", "").strip())
            decisions.join(found, case, by=request.user)
            return redirect("office:case", case.pk)
        if what in {"decline", "out_of_scope"} and text:
            decisions.decline(found, text, out_of_scope=what == "out_of_scope", by=request.user)
            notices.success(request, "Decided. The reporter reads your words on coming back.")
            return redirect("office:queue")
        if what == "band" and text and request.POST.get("band") in {"0", "1", "2", "3"}:
            decisions.override_band(found, int(request.POST["band"]), text, by=request.user)
            notices.success(request, "The band was changed; the rules' view stays beside it.")
        else:
            notices.error(request, "Please write a few words as well. Nothing was changed.")
    except decisions.AlreadyDecided as error:
        notices.error(request, str(error))
    return redirect("office:report", report_id)
