"""The form: one question a page, every answer kept as it is given, no account and no script needed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from reporting import evidence, harms, intake, people, questions
from reporting.actors import REPORTER
from reporting.models import EvidenceItem, Report
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
    answers = people.shown_answers(visit) if visit else {}
    return render(request, "reporter/question.html", _page(asked, visit, answers))


def _sent(visit: Visit) -> bool:
    return visit.report.state != Report.State.DRAFT


def _page(
    asked: questions.Question, visit: Visit | None, answers: dict[str, Any]
) -> dict[str, Any]:
    """After sending, words are added: the field is empty."""
    number = questions.POSITION[asked.key]
    value: Any = answers.get(asked.key)
    if visit and _sent(visit):
        value = value if asked.choices else None
    elif visit and asked.key in _TEXT_KINDS:
        value = "\n".join(_lines_given(visit, _TEXT_KINDS[asked.key]))
    return {
        "question": asked,
        "number": number,
        "count": len(questions.ALL),
        "back": number - 1,
        "value": value,
        "sent": bool(visit and _sent(visit)),
    }


def _lines_given(visit: Visit, kind: EvidenceItem.Kind) -> list[str]:
    items = EvidenceItem.objects.filter(report=visit.report, kind=kind).order_by("at", "id")
    return [evidence.acquisition(item, visit.secret)["text"] for item in items]


def _save(request: HttpRequest, asked: questions.Question, visit: Visit | None) -> HttpResponse:
    value = _read(request, asked)
    if too_much := _too_much(asked, value):
        page = _page(asked, visit, {}) | {"value": value, "too_much": too_much}
        return render(request, "reporter/question.html", page, status=413)
    if value and visit is None and cookies.COOKIE in request.COOKIES:
        # Her page was closed while she wrote. Starting a second report unasked would hide the first one from her.
        page = _page(asked, None, {}) | {"value": value, "closed": True, "has_code": False}
        response = render(request, "reporter/question.html", page, status=403)
        cookies.forget(response)
        return response
    token = None
    if value and visit is None:
        try:
            started = intake.start(language=get_language() or "en", by=REPORTER)
        except codes.Busy:
            page = _page(asked, None, {}) | {
                "value": value,
                "too_much": _("Many people are here at this moment. Please press Continue again."),
            }
            return render(request, "reporter/question.html", page, status=503)
        visit, token = started.visit, started.token
    if visit and _sent(visit):
        return _add(request, asked, value, visit)
    if visit and (
        value
        or asked.key in people.latest_answers(visit.report, visit.secret)
        or asked.key in _TEXT_KINDS
    ):
        if asked.key in _TEXT_KINDS:
            _keep_lines(visit, asked.key, str(value))
        else:
            intake.answer(visit, asked, value, by=REPORTER)
    response = redirect(*(_before_going_on(asked, value) or _next(request, asked)))
    if token:
        cookies.set_token(response, token)
    return response


def _add(request: HttpRequest, asked: questions.Question, value: Any, visit: Visit) -> HttpResponse:
    """To a report that was sent: what is given now stands beside what was given before."""
    if not value:
        return redirect("portal")
    if asked.key in _TEXT_KINDS:
        intake.add_lines(visit, _TEXT_KINDS[asked.key], _lines(value), by=REPORTER)
    else:
        intake.answer(visit, asked, value, by=REPORTER)
    return redirect(*(_before_going_on(asked, value) or ("added",)))


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
    """Nothing she writes is cut off in silence: what is too long for one page comes back to her with these words."""
    if asked.key in _TEXT_KINDS and len(_lines(value)) > questions.LINES_LIMIT:
        return _("We can take %(limit)s lines at once. Please send the others after these.") % {
            "limit": questions.LINES_LIMIT
        }
    if isinstance(value, str) and len(value) > questions.TEXT_LIMIT:
        return _(
            "That is more than we can take at once. Please send it in two parts: you can add to it later."
        )
    return ""


def _keep_lines(visit: Visit, key: str, text: str) -> None:
    """Each line is an item of its own; lines that are already there are left as they are, lines taken out are removed."""
    kind = _TEXT_KINDS[key]
    wanted = _lines(text)
    for item in EvidenceItem.objects.filter(report=visit.report, kind=kind):
        line = evidence.acquisition(item, visit.secret)["text"]
        if line in wanted:
            wanted.remove(line)
        else:
            evidence.remove_from_draft(item, by=REPORTER)
    intake.add_lines(visit, kind, wanted, by=REPORTER)


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
    """The first advice, on the very next page, before any more questions. Where somebody controls her, safety only."""
    answers = people.shown_answers(visit)
    chosen = [harms.BY_CODE[code] for code in answers.get("what") or [] if code in harms.BY_CODE]
    controlled = people.latest_answers(visit.report, visit.secret).get("control") in {
        "yes",
        "not_sure",
    }
    context = {
        "harms": chosen,
        "controlled": controlled,
        "next": questions.POSITION["words"],
        "sent": _sent(visit),
    }
    return render(request, "reporter/first_steps.html", context)


@cookies.needs_report
def careful(request: HttpRequest, visit: Visit) -> HttpResponse:
    return render(
        request, "reporter/careful.html", {"next": questions.POSITION["who"], "sent": _sent(visit)}
    )


@cookies.needs_report
def added(request: HttpRequest, visit: Visit) -> HttpResponse:
    """After an answer to a report that was sent."""
    return render(request, "reporter/added.html", {"hours": settings.OPERATOR_READING_HOURS})


@cookies.needs_report
def check(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Check your answers: everything that would be sent, each with a way to change it."""
    if _sent(visit):
        return redirect("portal")
    answers = people.latest_answers(visit.report, visit.secret)
    rows = []
    for asked in questions.ALL:
        if asked.key in _TEXT_KINDS:
            shown: Any = _lines_given(visit, _TEXT_KINDS[asked.key])
        elif asked.key == "files":
            shown = [
                evidence.acquisition(item, visit.secret)["file_name"] for item in _files(visit)
            ]
        else:
            shown = _shown(asked, answers.get(asked.key))
        rows.append({"question": asked, "number": questions.POSITION[asked.key], "shown": shown})
    can_send = bool(answers.get("what") or answers.get("words"))
    return render(
        request,
        "reporter/check.html",
        {
            "rows": rows,
            "can_send": can_send,
            "operator": settings.OPERATOR_NAME,
            "draft_days": settings.DRAFT_DAYS,
        },
    )


def _files(visit: Visit) -> list[EvidenceItem]:
    return list(
        EvidenceItem.objects.filter(report=visit.report, kind=EvidenceItem.Kind.FILE).order_by(
            "at", "id"
        )
    )


def _shown(asked: questions.Question, value: Any) -> list[str]:
    labels = {choice.value: str(choice.label) for choice in asked.choices}
    values = value if isinstance(value, list) else [value] if value else []
    return [labels.get(one, str(one)) for one in values]


@cookies.post_only
@cookies.needs_report
def send(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Send. A second click, or a second tab, comes to the same receipt."""
    try:
        intake.submit(visit)
    except intake.NothingToSend:
        return redirect("check")
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
