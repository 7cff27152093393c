"""Pages around the form: the way in, who may be told, help now, the code, leaving, and the way back."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

from reporting import looks, messages, people, questions, receipts, sessions
from reporting.actors import REPORTER
from reporting.custody.record import record
from reporting.helplines import directory
from reporting.models import EvidenceItem, Report
from reporting.screens import cookies
from reporting.sessions import Visit
from reporting.vault import codes, keys


def start(request: HttpRequest) -> HttpResponse:
    return render(request, "reporter/start.html", {"operator": settings.OPERATOR_NAME})


def who_is_told(request: HttpRequest) -> HttpResponse:
    """Before the first question: who may be told without her agreement, in the operator's own words."""
    context = {"operator": settings.OPERATOR_NAME, "told": settings.OPERATOR_TOLD_WITHOUT_AGREEMENT}
    return render(request, "reporter/who_is_told.html", context)


def help_now(request: HttpRequest) -> HttpResponse:
    visit = cookies.visit(request)
    sent = visit is not None and visit.report.state != Report.State.DRAFT
    context = {"countries": directory.countries(), "has_report": visit, "sent": sent}
    return render(request, "reporter/help_now.html", context)


def pause(request: HttpRequest) -> HttpResponse:
    """What an open tab turns into after five idle minutes without JavaScript; pages on which she may be writing are left alone."""
    return render(request, "reporter/pause.html")


def leave(request: HttpRequest) -> HttpResponse:
    """A plain link: the session ends, the browser forgets us, an ordinary page opens. What she answered stays with her code."""
    if token := request.COOKIES.get(cookies.COOKIE):
        sessions.end(token)
    response = HttpResponseRedirect(settings.LEAVE_URL)
    cookies.forget(response)
    response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@cookies.post_only
@cookies.needs_report
def code(request: HttpRequest, visit: Visit) -> HttpResponse:
    draft = visit.report.state == Report.State.DRAFT
    context = {
        "code": codes.grouped(visit.code).split(" "),
        "draft": draft,
        "draft_days": settings.DRAFT_DAYS,
    }
    return render(request, "reporter/code.html", context)


def come_back(request: HttpRequest) -> HttpResponse:
    """The way back with the code. A mistyped code and an unknown one get different words: the first is only a typing mistake."""
    if request.method != "POST":
        return render(request, "reporter/come_back.html")
    try:
        visit, token = receipts.redeem(codes.parse(request.POST.get("code", "")))
    except codes.Busy:
        return render(
            request,
            "reporter/come_back.html",
            {"busy": True, "typed": request.POST["code"]},
            status=503,
        )
    except codes.NotACode as mistake:
        return render(request, "reporter/come_back.html", {"mistake": str(mistake)}, status=400)
    except receipts.UnknownCode:
        return render(request, "reporter/come_back.html", {"unknown": True}, status=404)
    except keys.WrongKey:
        return render(request, "reporter/come_back.html", {"tampered": True}, status=500)
    if visit.report.state != Report.State.DRAFT:
        record(
            visit.report.pk, "report:opened_by_reporter", actor=REPORTER, detail={"door": "portal"}
        )
    response = redirect("check" if visit.report.state == Report.State.DRAFT else "portal")
    cookies.set_token(response, token)
    return response


_STATUS = {
    Report.State.RECEIVED: "We have your report. Somebody will read it.",
    Report.State.IN_TRIAGE: "Somebody is reading your report.",
    Report.State.ACCEPTED: "We are working on it.",
    Report.State.JOINED: "We are working on it.",
    Report.State.NEEDS_ANSWER: "We have a question for you. You will find it below.",
    Report.State.OUT_OF_SCOPE: "This is not something we can work on ourselves. Below you find who can.",
    Report.State.DECLINED: "We cannot go on with this. Below you find why, and who else can help.",
    Report.State.WITHDRAWN: "You took this report back.",
}


@cookies.needs_report
def portal(request: HttpRequest, visit: Visit) -> HttpResponse:
    report = visit.report
    if report.state == Report.State.DRAFT:
        return redirect("check")
    text = request.POST.get("text", "").strip()
    too_much = len(text) > questions.TEXT_LIMIT
    if text and not too_much:
        messages.post(report, text, from_office=False, by=REPORTER)
        return redirect("portal")
    everything = people.shows_everything(visit)
    thread = messages.thread(report, visit.secret, news_since=None if everything else visit.since)
    looked = looks.shown(visit)
    messages.mark_read(report, from_office=True, by=REPORTER)
    looks.mark_shown(report, by=REPORTER)
    context = {
        "report": report,
        "status": _STATUS[Report.State(report.state)],
        "text": text,
        "too_much": too_much,
        "thread": thread,
        "everything": everything,
        "looks": looked,
        "files": EvidenceItem.objects.filter(report=report, kind=EvidenceItem.Kind.FILE).count(),
        "may_add_files": people.latest_answers(report, visit.secret).get("age") == people.ADULT,
        "hours": settings.OPERATOR_READING_HOURS,
        "questions": [
            (questions.POSITION[one.key], one.text)
            for one in questions.ALL
            if one.later and one.key != "files"
        ],
        "confirmed": bool(report.receipt.proof),
    }
    return render(request, "reporter/portal.html", context, status=413 if too_much else 200)


@cookies.post_only
@cookies.needs_report
def keep_receipt(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The receipt as a file with a neutral name, only when she asks for it."""
    response = HttpResponse(
        receipts.as_text(visit.report.receipt), content_type="text/plain; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="note.txt"'
    return response
