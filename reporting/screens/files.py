"""The page for files. The bytes themselves go to the upload pool; this page only opens the way or keeps it shut."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from reporting import evidence, intake, people, questions
from reporting.actors import REPORTER
from reporting.models import EvidenceItem, FileGroup, Report
from reporting.screens import cookies
from reporting.sessions import Visit


@cookies.needs_report
def files(request: HttpRequest, visit: Visit) -> HttpResponse:
    """First the age question for this group of files, then the form; files already given are listed with what was kept."""
    group = FileGroup.objects.filter(report=visit.report).order_by("-at").first()
    shut = None
    try:
        people.check_may_send_files(visit, group)
    except people.BytesNotTaken as no:
        shut = str(no)
    answered = group is not None
    shown = _items(visit)
    hidden = EvidenceItem.objects.filter(
        report=visit.report, kind=EvidenceItem.Kind.FILE
    ).count() - len(shown)
    adult = people.latest_answers(visit.report, visit.secret).get("age") == people.ADULT
    context = {
        "group": group,
        "open": shut is None,
        "ask_age": adult and (not answered or "again" in request.GET),
        "shut": shut,
        "answered": answered,
        "items": [_line(item, visit) for item in shown],
        "hidden": hidden,
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
        # Without a proxy the pool has a port of its own; "same-origin" would make the form send `Origin: null` there.
        response["Referrer-Policy"] = "strict-origin"
    return response


# What the upload pool may ask this page to say: fixed texts, never words from a URL.
_SAID = {
    "kept": "Kept. Every file below is sealed and safe with us.",
    "none": "No file was chosen. Nothing was changed.",
    "cut": "The connection broke before the file was complete. The files below are kept; please send the missing one again.",
    "full": "We have no room for files at this moment. Your words are kept and can be sent. Please try the file again later.",
    "large": "That file is larger than we can take. The files below are kept.",
    "quota": "That is more than we can take before you send. Please send what you have, then add more with your code.",
    "closed": "This page was closed for your safety before the file was complete. Please open your report again with your code.",
    "age": "We did not take the file, because of the answer about age. Nothing of it was kept.",
}


def _items(visit: Visit) -> list[EvidenceItem]:
    """Those she may see again: all in a draft or if she chose so, else those of this visit."""
    found = EvidenceItem.objects.filter(report=visit.report, kind=EvidenceItem.Kind.FILE).order_by(
        "at", "id"
    )
    return list(found if people.shows_everything(visit) else found.filter(at__gte=visit.since))


def _line(item: EvidenceItem, visit: Visit) -> dict[str, object]:
    facts = evidence.acquisition(item, visit.secret)
    locked = item.state == EvidenceItem.State.QUARANTINED
    return {
        "id": item.id,
        "name": facts["file_name"],
        "size": facts["size"],
        "at": item.at,
        "locked": locked,
    }


@cookies.post_only
@cookies.needs_report
def age_of_shown(request: HttpRequest, visit: Visit) -> HttpResponse:
    answer = request.POST.get("shown_adult", "")
    if answer in {"yes", "no", "not_sure"}:
        if changed := request.POST.get("group"):
            group = get_object_or_404(FileGroup, pk=changed, report=visit.report)
            intake.change_file_group(visit, group, answer, by=REPORTER)
        else:
            intake.open_file_group(visit, answer, by=REPORTER)
    return redirect("files")


@cookies.post_only
@cookies.needs_report
def take_out(request: HttpRequest, visit: Visit, item_id: str) -> HttpResponse:
    item = get_object_or_404(EvidenceItem, pk=item_id, report=visit.report)
    try:
        evidence.remove_from_draft(item, by=REPORTER)
    except evidence.NotOpenable:
        return render(request, "reporter/cannot_take_out.html", status=409)
    return redirect("files")
