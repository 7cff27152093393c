"""The page for files. The bytes themselves go to the upload pool; this page only opens the way or
keeps it shut."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from reporting import (
    age_gate,
    answers,
    budgets,
    evidence,
    intake,
    on_record,
    quarantine,
    questions,
    visibility,
)
from reporting.models import EvidenceItem, FileGroup, Report
from reporting.on_record import Entry
from reporting.screens import cookies
from reporting.sessions import Visit


@cookies.needs_report
def files(request: HttpRequest, visit: Visit) -> HttpResponse:
    """First the age question for this group of files, then the form; files already given are listed
    with what was kept.

    After sending, whoever holds the code learns here only what was chosen to be shown: not the age
    that was answered.
    """
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
    given = answers.read(known.answers, visit.secret)
    since = visibility.since(visit, given)
    everything = since is None
    groups = FileGroup.objects.filter(report=visit.report).order_by("-at")
    group = (groups if since is None else groups.filter(at__gte=since)).first()
    shut, closes = _shut(visit, group)
    listed = [entry for entry in known.items if _is_file(entry)]
    shown = [entry for entry in listed if since is None or (entry.at and entry.at >= since)]
    closed = quarantine.closed(visit.report.pk)
    context = {
        "group": group,
        "open": shut is None,
        "ask_age": (group is None and (not closes or not everything))
        or (not closes and "again" in request.GET),
        "shut": shut if everything else age_gate.CLOSED if shut else None,
        "answered": group is not None and not closes,
        "items": [line for entry in shown if (line := _line(entry, closed))],
        "faults": sum(bool(entry.fault) for entry in listed),
        "hidden": len(listed) - len(shown) if everything else 0,
        "age_question": questions.SHOWN_ADULT,
        "upload_url": f"{settings.UPLOAD_ORIGIN}/files/{group.id}/" if group else "",
        "limit_gb": settings.MAX_FILE_BYTES // 1024**3,
        "number": questions.POSITION["files"],
        "count": len(questions.ALL),
        "next": questions.POSITION["told"],
        "draft": visit.report.state == Report.State.DRAFT,
        "said": _SAID.get(request.GET.get("said", "")),
    }
    response = render(request, "reporter/files.html", context)
    if settings.UPLOAD_ORIGIN != settings.PUBLIC_ORIGIN:
        # Without a proxy the pool has a port of its own; "same-origin" would make the form send
        # `Origin: null` there.
        response["Referrer-Policy"] = "strict-origin"
    return response


# What the upload pool may ask this page to say: fixed texts, never words from a URL.
_SAID = {
    "kept": "Kept. Every file below is sealed and safe with us.",
    "none": "No file was chosen. Nothing was changed.",
    "cut": (
        "The connection broke before the file was complete. The files below are kept; please "
        "send the missing one again."
    ),
    "full": (
        "We have no room for files at this moment. Your words are kept and can be sent. Please "
        "try the file again later."
    ),
    "large": "That file is larger than we can take. The files below are kept.",
    "quota": (
        "That is more than we can take before you send. Please send what you have, then add more "
        "with your code."
    ),
    "closed": (
        "This page was closed for your safety before the file was complete. Please open your "
        "report again with your code."
    ),
    "busy": (
        "Many files are coming in at this moment, and this one had to wait too long. The files "
        "below are kept; please send the missing one again."
    ),
    "parts": (
        "Please send at most 50 files at once. The files below are kept; please send the others "
        "after them."
    ),
    "empty": (
        "That file is empty: there is nothing in it to keep. Please look whether you chose the "
        "right one."
    ),
    "age": "We did not take the file, because of the answer about age. Nothing of it was kept.",
    "elsewhere": (
        "We could not see that this came from our own page, so nothing of it was kept. Please "
        "choose the file again here."
    ),
    "many": str(budgets.TooMany()),
}


def _shut(visit: Visit, group: FileGroup | None) -> tuple[str | None, bool]:
    """Why no file can be taken for this group, and whether that is so for any group of this
    report."""
    try:
        intake.check_may_send_files(visit, group)
    except age_gate.BytesNotTaken as refused:
        return str(refused), refused.for_the_whole_report
    return None, False


def _is_file(entry: Entry[EvidenceItem]) -> bool:
    return entry.row is not None and entry.row.kind == EvidenceItem.Kind.FILE


def _line(entry: Entry[EvidenceItem], closed: frozenset[str]) -> dict[str, object] | None:
    facts = evidence.facts(entry)
    if facts is None:
        return None
    locked = entry.id in closed
    return {
        "id": entry.id,
        "name": facts.file_name,
        "size": facts.size,
        "at": entry.at,
        "locked": locked,
    }


@cookies.post_only
@cookies.needs_report
def age_of_shown(request: HttpRequest, visit: Visit) -> HttpResponse:
    answer = request.POST.get("shown_adult", "")
    if answer in {choice.value for choice in questions.SHOWN_ADULT.choices}:
        if changed := request.POST.get("group"):
            group = get_object_or_404(FileGroup, pk=changed, report=visit.report)
            intake.change_file_group(visit, group, answer)
        else:
            intake.open_file_group(visit, answer)
    return redirect("files")


@cookies.post_only
@cookies.needs_report
def take_out(request: HttpRequest, visit: Visit, item_id: str) -> HttpResponse:
    get_object_or_404(EvidenceItem, pk=item_id, report=visit.report)
    try:
        evidence.remove_from_draft(visit, item_id)
    except evidence.NotOpenable:
        return render(request, "reporter/cannot_take_out.html", status=409)
    return redirect("files")
