"""Pages around the form: the way in, who may be told, help now, the code, leaving, and the way
back."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render

from reporting import (
    answers,
    budgets,
    embedded,
    looks,
    messages,
    on_record,
    questions,
    receipts,
    sessions,
    signed,
    visibility,
)
from reporting.helplines import directory
from reporting.models import EvidenceItem, Report
from reporting.screens import cookies
from reporting.sessions import Visit
from reporting.vault import codes, keys


def start(request: HttpRequest) -> HttpResponse:
    return render(request, "reporter/start.html", {"operator": settings.OPERATOR_NAME})


def who_is_told(request: HttpRequest) -> HttpResponse:
    """Before the first question: who may be told without the reporter's agreement, in the
    operator's own words."""
    context = {"operator": settings.OPERATOR_NAME, "told": settings.OPERATOR_TOLD_WITHOUT_AGREEMENT}
    return render(request, "reporter/who_is_told.html", context)


def help_now(request: HttpRequest) -> HttpResponse:
    visit = cookies.visit(request)
    sent = visit is not None and visit.report.state != Report.State.DRAFT
    context = {"countries": directory.countries(), "has_report": visit, "sent": sent}
    return render(request, "reporter/help_now.html", context)


def pause(request: HttpRequest) -> HttpResponse:
    """What an open tab turns into after five idle minutes without JavaScript; pages on which text
    may be half written are left alone."""
    return render(request, "reporter/pause.html")


def leave(request: HttpRequest) -> HttpResponse:
    """A plain link: the session ends, the browser forgets us, an ordinary page opens. What was
    answered stays with the code.

    A page of another site that embeds this address clears nothing.
    """
    response = HttpResponseRedirect(settings.LEAVE_URL)
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        return response
    if token := request.COOKIES.get(cookies.COOKIE):
        sessions.end(token)
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
    """The way back with the code. A mistyped code and an unknown one get different words: the first
    is only a typing mistake."""
    if request.method != "POST":
        return render(request, "reporter/come_back.html")
    code = request.POST.get("code", "")
    try:
        visit, token = receipts.redeem(codes.parse(code))
    except codes.Busy:
        return _code_again(request, code, {"busy": True}, status=503)
    except codes.NotACode as mistake:
        return _code_again(request, code, {"mistake": str(mistake)}, status=400)
    except receipts.UnknownCode:
        return _code_again(request, code, {"unknown": True}, status=404)
    except keys.WrongKey:
        return _code_again(request, code, {"tampered": True}, status=500)
    if visit.report.state != Report.State.DRAFT:
        with transaction.atomic():
            signed.record_signed(visit, "report:opened_by_reporter", detail={"door": "portal"})
    response = redirect("check" if visit.report.state == Report.State.DRAFT else "portal")
    cookies.set_token(response, token)
    return response


def _code_again(
    request: HttpRequest, code: str, why: dict[str, object], *, status: int
) -> HttpResponse:
    """What was typed stays in the field."""
    context = why | {"typed": code}
    return render(request, "reporter/come_back.html", context, status=status)


_STATUS = {
    Report.State.RECEIVED: "We have your report. Somebody will read it.",
    Report.State.IN_TRIAGE: "Somebody is reading your report.",
    Report.State.ACCEPTED: "We are working on it.",
    Report.State.JOINED: "We are working on it.",
    Report.State.NEEDS_ANSWER: "We have a question for you. You will find it below.",
    Report.State.OUT_OF_SCOPE: (
        "This is not something we can work on ourselves. Below you find who can."
    ),
    Report.State.DECLINED: "We cannot go on with this. Below you find why, and who else can help.",
    Report.State.WITHDRAWN: "You took this report back.",
}


@cookies.needs_report
def portal(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What waits for the reporter, and a way to add to it. What was typed and not taken stays in
    the field."""
    report = visit.report
    if report.state == Report.State.DRAFT:
        return redirect("check")
    if report.state == Report.State.NOT_SENT:
        return render(request, "reporter/not_sent.html", status=409)
    text = request.POST.get("text", "").strip()
    refused = _post(visit, text) if text else ""
    if text and not refused:
        return redirect("portal")
    known = on_record.of(report.pk, visit.secret, for_reporter=True)
    given = answers.read(known.answers, visit.secret)
    everything = visibility.shows_everything(visit, given)
    since = visibility.since(visit, given)
    thread = [
        message
        for message in messages.thread(known, visit.secret)
        if since is None or _is_news(message, since)
    ]
    looked = looks.shown(known, since=since)
    if messages.unread(thread, from_office=True):
        messages.mark_read_by_reporter(visit)
    looks.mark_shown(visit, looked)
    files = [
        entry for entry in known.items if entry.row and entry.row.kind == EvidenceItem.Kind.FILE
    ]
    context = {
        "report": report,
        "status": _STATUS[Report.State(report.state)],
        "text": text,
        "refused": refused,
        "thread": thread,
        "everything": everything,
        "looks": looked,
        "files": len(files) if everything else None,
        "hours": settings.OPERATOR_READING_HOURS,
        "questions": [
            (questions.POSITION[question.key], question.text)
            for question in questions.ALL
            if question.later and question.key != "files"
        ],
        "confirmed": bool(report.receipt.proof),
        "faults": len(known.faults),
    }
    return render(request, "reporter/portal.html", context, status=422 if refused else 200)


def _post(visit: Visit, text: str) -> str:
    """Why a message was not taken, in words for the reporter, or an empty text."""
    if len(text) > questions.TEXT_LIMIT:
        return "That is more than we can take at once. Please send it in two parts."
    try:
        messages.write(visit, text)
    except (budgets.TooMuch, embedded.FileInText) as refused:
        return str(refused)
    return ""


def _is_news(message: messages.OpenMessage, since: datetime) -> bool:
    """For whoever holds the code where only news is shown: unread from the office, or written in
    this visit."""
    return (message.from_office and message.new) or bool(message.at and message.at >= since)


@cookies.post_only
@cookies.needs_report
def keep_receipt(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The receipt as a file with a neutral name, only when it is asked for."""
    response = HttpResponse(
        receipts.as_text(visit.report.receipt), content_type="text/plain; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="note.txt"'
    return response
