"""The partner door: collect an encrypted package with its code, and answer. It holds no private
key. The code is sent in forms, never in a URL, so that no log or history keeps it."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases.partner import scripts
from cases.referrals import downloads, handover


def start(request: HttpRequest) -> HttpResponse:
    return _start(request)


def package(request: HttpRequest) -> HttpResponse:
    """What waits under the code that was posted, and the partner's answer to it."""
    code = request.POST.get("code", "")
    try:
        collection = handover.find(code)
        if request.POST.get("answer") in {"received", "rejected"}:
            reference = request.POST.get("reference", "")
            handover.answered_by_partner(code, request.POST["answer"], reference)
            collection = handover.find(code)
    except handover.UnknownCollection:
        wrong = request.method == "POST"
        return _start(request, wrong=wrong)
    return render(request, "partner/package.html", {"collection": collection, "code": code})


def collect(request: HttpRequest) -> HttpResponse | FileResponse:
    if request.method != "POST":
        return redirect("partner:start")
    try:
        collection = handover.collected(request.POST.get("code", ""))
    except handover.UnknownCollection:
        return redirect("partner:start")
    return downloads.package(collection.vault_name, collection.package, collection.size)


def _start(request: HttpRequest, *, wrong: bool = False) -> HttpResponse:
    hashes = scripts.hashes()
    context = {
        "wrong": wrong,
        "verify_sha256": hashes["verify.sh"],
        "verify_receipt_sha256": hashes["verify-receipt.sh"],
    }
    return render(request, "partner/start.html", context, status=404 if wrong else 200)
