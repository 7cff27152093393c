"""The queue, reading a report, and deciding about it."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages as notices
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from cases.casework import quarantine
from cases.models import Assessment, Case, Referral
from cases.referrals import emergency, recall
from cases.reports import reading
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.models import StaffMember
from cases.staff.roles import May
from cases.triage import assessments, decisions, queue
from reporting import harms
from reporting.models import Report


@shows_refusals
def waiting(request: StaffRequest) -> HttpResponse:
    request.user.check_may(May.READ_QUEUE)
    lines = queue.waiting(_after(request))
    is_full = len(lines) >= queue.PAGE and lines[-1].assessment is not None
    context = {
        "news": [(line, _ago(line.report.news_at)) for line in queue.news()],
        "lines": [_with_words(line) for line in lines],
        "set_aside": queue.set_aside(),
        "last": lines[-1] if is_full else None,
        "mine": _my_cases(request.user),
        "approve": _to_approve(request.user),
        "may_refer": request.user.may(May.PREPARE_REFERRALS),
        "locked": _count_quarantined(request.user),
        "to_tell": recall.to_tell(),
        "emergencies": [(told, emergency.overdue(told)) for told in emergency.unreviewed()],
    }
    return render(request, "office/queue.html", context)


def _with_words(line: queue.QueueLine) -> tuple[queue.QueueLine, list[str], str]:
    return line, [_term(code) for code in line.types], _ago(line.report.submitted_at)


def _my_cases(user: StaffMember) -> QuerySet[Case]:
    """The 20 newest that are not closed."""
    not_closed = Case.objects.filter(assigned_to=user).exclude(state=Case.State.CLOSED)
    return not_closed.order_by("-opened_at")[:20]


def _to_approve(user: StaffMember) -> list[Referral]:
    """The 20 oldest that somebody else prepared, for a person who may approve."""
    if not user.may(May.APPROVE_REFERRALS):
        return []
    prepared = Referral.objects.filter(state=Referral.State.PREPARED).exclude(prepared_by=user)
    with_names = prepared.select_related("partner_key__partner", "prepared_by")
    return list(with_names.order_by("prepared_at")[:20])


def _count_quarantined(user: StaffMember) -> int:
    """0 for a person who does not decide about quarantined items."""
    decides = user.may(May.DECIDE_QUARANTINE) or user.may(May.APPROVE_REFERRALS)
    return len(quarantine.waiting()) if decides else 0


def _after(request: HttpRequest) -> queue.After | None:
    """The page that the link asks for; the first one if the link is incomplete."""
    try:
        return queue.After(
            int(request.GET["band"]),
            # A "+" that nobody encoded arrives as a space.
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
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


@shows_refusals
def report(request: StaffRequest, report_id: str) -> HttpResponse:
    """GET shows what is stored unsealed; POST opens the report, which the reporter sees."""
    report = get_object_or_404(Report.objects.exclude(state__in=Report.GONE), pk=report_id)
    case_report = getattr(report, "case_report", None)
    if case_report:
        return redirect("office:case", case_report.case_id)
    context: dict[str, object] = {
        "report": report,
        "assessment": Assessment.objects.filter(report=report, current=True).first(),
        "terms": [_term(incident.reported_type) for incident in report.incidents.all()],
        "bands": Assessment.Band.choices,
        "cases": Case.objects.exclude(state=Case.State.CLOSED).order_by("-opened_at")[:50],
        "waited": _ago(report.submitted_at),
        "may_work": request.user.may(May.WORK_CASES),
        "not_as_recorded": assessments.not_as_recorded([report.pk]),
    }
    if request.method == "POST":
        decisions.take(report, by=request.user)
        context["open"] = reading.open_report(report, by=request.user)
    return render(request, "office/report.html", context)


@shows_refusals
def decide(request: StaffRequest, report_id: str) -> HttpResponse:
    report = get_object_or_404(Report.objects.exclude(state__in=Report.GONE), pk=report_id)
    if request.method != "POST":
        return redirect("office:report", report_id)
    what, text = request.POST.get("what", ""), request.POST.get("text", "").strip()
    try:
        if what == "accept":
            return redirect("office:case", decisions.accept(report, by=request.user).pk)
        if what == "join":
            case = get_object_or_404(Case, pk=request.POST.get("case", "").strip())
            decisions.join(report, case, by=request.user)
            return redirect("office:case", case.pk)
        if what in {"decline", "out_of_scope"} and text:
            decisions.decline(report, text, out_of_scope=what == "out_of_scope", by=request.user)
            notices.success(request, "Decided. The reporter reads your words on coming back.")
            return redirect("office:queue")
        if what == "band" and text and request.POST.get("band") in {"0", "1", "2", "3"}:
            band = int(request.POST["band"])
            decisions.override_band(report, band, text, by=request.user)
            notices.success(request, "The band was changed; the rules' view stays beside it.")
        else:
            notices.error(request, "Please write a few words as well. Nothing was changed.")
    except decisions.AlreadyDecided as error:
        notices.error(request, str(error))
    return redirect("office:report", report_id)
