"""The form: one question a page, every answer kept as it is given, no account and no script
needed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from reporting import (
    answers,
    budgets,
    embedded,
    evidence,
    harms,
    intake,
    on_record,
    questions,
    sent,
    visibility,
)
from reporting.models import EvidenceItem, Report
from reporting.on_record import Entry
from reporting.screens import cookies
from reporting.sessions import Visit
from reporting.vault import codes

_TEXT_KINDS = {"links": EvidenceItem.Kind.LINK, "accounts": EvidenceItem.Kind.ACCOUNT}


def question(request: HttpRequest, number: int) -> HttpResponse:
    if not 1 <= number <= len(questions.ALL):
        raise Http404
    asked = questions.ALL[number - 1]
    visit = cookies.visit(request)
    if visit and _sent(visit) and not asked.later:
        return redirect("portal")
    if request.method == "POST":
        return _save(request, asked, visit)
    if asked.key == "files":
        return redirect("files")
    given = visibility.shown_answers(visit, answers.of_visit(visit)) if visit else {}
    return render(request, "reporter/question.html", _page(asked, visit, given))


def _sent(visit: Visit) -> bool:
    return visit.report.state != Report.State.DRAFT


def _page(asked: questions.Question, visit: Visit | None, given: dict[str, Any]) -> dict[str, Any]:
    """After sending, words are added: the field is empty."""
    number = questions.POSITION[asked.key]
    value: Any = given.get(asked.key)
    if visit and _sent(visit):
        value = value if asked.choices else None
    elif visit and asked.key in _TEXT_KINDS:
        value = "\n".join(_lines_given(visit, _TEXT_KINDS[asked.key]).values())
    return {
        "question": asked,
        "many": asked.kind is questions.Kind.MANY,
        "number": number,
        "count": len(questions.ALL),
        "back": number - 1,
        "value": value,
        "sent": bool(visit and _sent(visit)),
    }


def _lines_given(visit: Visit, kind: EvidenceItem.Kind) -> dict[str, str]:
    """Item id → the line, of what is as recorded."""
    items = on_record.of(visit.report.pk, visit.secret, for_reporter=True).items
    known = {entry.id: evidence.facts(entry) for entry in items if _is(entry, kind)}
    return {item: facts.text for item, facts in known.items() if facts}


def _is(entry: Entry[EvidenceItem], kind: EvidenceItem.Kind) -> bool:
    return entry.row is not None and entry.row.kind == kind


def _save(request: HttpRequest, asked: questions.Question, visit: Visit | None) -> HttpResponse:
    """Nothing that was typed is lost: what cannot be kept comes back in its field, with the
    reason."""
    value = _read(request, asked)
    if too_much := _too_much(asked, value):
        return _again(request, asked, visit, value, too_much, status=413)
    if value and visit is None and cookies.COOKIE in request.COOKIES:
        # The page was closed while it was written on. Starting a second report unasked would hide
        # the first one.
        page = _page(asked, None, {}) | {"value": value, "closed": True, "has_code": False}
        response = render(request, "reporter/question.html", page, status=403)
        cookies.forget(response)
        return response
    started = None
    try:
        with transaction.atomic():  # no draft without the answer it was started for
            if value and visit is None:
                started = intake.start(language=get_language() or "en")
            now_open = started.visit if started else visit
            response = redirect(*_keep(request, asked, now_open, value))
    except codes.Busy:
        words = _("Many people are here at this moment. Please press Continue again.")
        return _again(request, asked, visit, value, words, status=503)
    except (budgets.TooMuch, embedded.FileInText) as refused:
        return _again(request, asked, visit, value, str(refused), status=422)
    if started:
        cookies.set_token(response, started.token)
    return response


def _again(
    request: HttpRequest,
    asked: questions.Question,
    visit: Visit | None,
    value: Any,
    words: str,
    *,
    status: int,
) -> HttpResponse:
    page = _page(asked, visit, {}) | {"value": value, "too_much": words}
    return render(request, "reporter/question.html", page, status=status)


def _keep(
    request: HttpRequest, asked: questions.Question, visit: Visit | None, value: Any
) -> tuple[Any, ...]:
    """Keep what was given; where to go next."""
    if visit and _sent(visit):
        return _add(asked, value, visit)
    if visit and asked.key in _TEXT_KINDS:
        _keep_lines(visit, asked.key, str(value))
    elif visit and (value or answers.given_last(visit, asked.key) is not None):
        intake.answer(visit, asked, value)
    return _before_going_on(asked, value) or _next(request, asked)


def _add(asked: questions.Question, value: Any, visit: Visit) -> tuple[Any, ...]:
    """To a report that was sent: what is given now stands beside what was given before."""
    if not value:
        return ("portal",)
    if asked.key in _TEXT_KINDS:
        intake.add_lines(visit, _TEXT_KINDS[asked.key], _lines(value))
    else:
        intake.answer(visit, asked, value)
    return _before_going_on(asked, value) or ("added",)


def _read(request: HttpRequest, asked: questions.Question) -> Any:
    """Only what the page offered; anything else counts as not answered."""
    allowed = {choice.value for choice in asked.choices}
    if asked.kind is questions.Kind.ONE:
        value = request.POST.get("answer", "")
        return value if value in allowed else ""
    if asked.kind is questions.Kind.MANY:
        return [value for value in request.POST.getlist("answer") if value in allowed]
    return request.POST.get("answer", "").strip()


def _too_much(asked: questions.Question, value: Any) -> str:
    """What is too long for one page comes back with these words; nothing is cut off in silence."""
    if asked.key in _TEXT_KINDS and len(_lines(value)) > questions.LINES_LIMIT:
        return _("We can take %(limit)s lines at once. Please send the others after these.") % {
            "limit": questions.LINES_LIMIT
        }
    if isinstance(value, str) and len(value) > questions.TEXT_LIMIT:
        return _(
            "That is more than we can take at once. Please send it in two parts: you can add to "
            "it later."
        )
    return ""


def _keep_lines(visit: Visit, key: str, text: str) -> None:
    """Each line is an item of its own; lines that are there already stay as they are, lines taken
    out are removed."""
    kind = _TEXT_KINDS[key]
    wanted = _lines(text)
    embedded.check(text)
    for item_id, line in _lines_given(visit, kind).items():
        if line in wanted:
            wanted.remove(line)
        else:
            evidence.remove_from_draft(visit, item_id)
    intake.add_lines(visit, kind, wanted)


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _before_going_on(asked: questions.Question, value: Any) -> tuple[str] | None:
    """Help that must not wait for the next question."""
    if asked.key == "safe" and value in {"no", "not_sure"}:
        return ("help_now",)
    if asked.key == "control" and value in {"yes", "not_sure"}:
        return ("careful",)
    if asked.key == "what" and value:
        return ("first_steps",)
    return None


def _next(request: HttpRequest, asked: questions.Question) -> tuple[Any, ...]:
    if "check" in request.GET:
        return ("check",)
    following = questions.after(asked.key)
    return ("question", questions.POSITION[following.key]) if following else ("check",)


@cookies.needs_report
def first_steps(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The first advice, on the very next page, before any more questions. Where somebody controls
    the phone, safety only.

    Whoever finds the code later learns neither: only what was answered in this visit decides,
    unless everything is shown.
    """
    given = visibility.shown_answers(visit, answers.of_visit(visit))
    context = {
        "harms": [harms.BY_CODE[code] for code in given.get("what") or [] if code in harms.BY_CODE],
        "controlled": given.get("control") in {"yes", "not_sure"},
        "next": questions.POSITION["words"],
        "sent": _sent(visit),
    }
    return render(request, "reporter/first_steps.html", context)


@cookies.needs_report
def careful(request: HttpRequest, visit: Visit) -> HttpResponse:
    context = {"next": questions.POSITION["who"], "sent": _sent(visit)}
    return render(request, "reporter/careful.html", context)


@cookies.needs_report
def added(request: HttpRequest, visit: Visit) -> HttpResponse:
    """After an answer to a report that was sent."""
    return render(request, "reporter/added.html", {"hours": settings.OPERATOR_READING_HOURS})


@cookies.needs_report
def check(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Check your answers: everything that would be sent, earlier versions included, each with a way
    to change it."""
    if _sent(visit):
        return redirect("portal")
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
    given = answers.read(known.answers, visit.secret)
    latest = answers.latest(given)
    rows = [
        {
            "question": asked,
            "number": questions.POSITION[asked.key],
            "shown": _shown(asked, known.items, given),
            "earlier": _earlier(asked, given),
        }
        for asked in questions.ALL
    ]
    context = {
        "rows": rows,
        "can_send": bool(latest.get("what") or latest.get("words")),
        "operator": settings.OPERATOR_NAME,
        "draft_days": settings.DRAFT_DAYS,
        "faults": len(known.faults),
    }
    return render(request, "reporter/check.html", context)


def _shown(
    asked: questions.Question, items: list[Entry[EvidenceItem]], given: list[answers.Given]
) -> list[str]:
    kind = _TEXT_KINDS.get(asked.key, EvidenceItem.Kind.FILE if asked.key == "files" else None)
    if kind:
        known = [evidence.facts(entry) for entry in items if _is(entry, kind)]
        return [facts.text or facts.file_name for facts in known if facts]
    versions = [answer for answer in given if answer.key == asked.key and answer.record]
    return versions[-1].record.lines if versions and versions[-1].record else []


def _earlier(asked: questions.Question, given: list[answers.Given]) -> list[dict[str, Any]]:
    """Earlier versions, kept with their time; those that decide about files stay, the others may be
    taken out."""
    versions = [answer for answer in given if answer.key == asked.key and answer.record]
    return [
        {
            "id": answer.id,
            "lines": answer.record.lines if answer.record else [],
            "at": answer.at,
            "stays": asked.decides_about_files,
        }
        for answer in versions[:-1]
    ]


@cookies.post_only
@cookies.needs_report
def take_out_answer(request: HttpRequest, visit: Visit, answer_id: str) -> HttpResponse:
    """Before sending, an earlier version of an answer is the reporter's to take out."""
    try:
        answers.take_out(visit, answer_id)
    except answers.CannotTakeOut:
        return render(request, "reporter/cannot_take_out.html", status=409)
    return redirect("check")


@cookies.post_only
@cookies.needs_report
def send(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Send. A second click, or a second tab, comes to the same receipt."""
    try:
        intake.submit(visit)
    except intake.NothingToSend:
        return redirect("check")
    except sent.NotSentByReporter:
        return render(request, "reporter/not_sent.html", status=409)
    return redirect("receipt")


@cookies.needs_report
def receipt(request: HttpRequest, visit: Visit) -> HttpResponse:
    if not _sent(visit):
        return redirect("check")
    context = {
        "receipt": visit.report.receipt,
        "code": codes.grouped(visit.code).split(" "),
        "hours": settings.OPERATOR_READING_HOURS,
        "operator": settings.OPERATOR_NAME,
    }
    return render(request, "reporter/receipt.html", context)
