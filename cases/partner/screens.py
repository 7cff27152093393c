"""The partner door: collect a locked package with its code, and answer. It holds no key; the code travels in forms, never in a URL."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases.models import Disclosure, Package, PartnerKey, Referral
from cases.referrals import downloads, handover
from reporting.custody import published


def start(request: HttpRequest) -> HttpResponse:
    return render(request, "partner/start.html")


def _found(request: HttpRequest) -> Disclosure | None:
    try:
        return handover.find(request.POST.get("code", "")) if request.method == "POST" else None
    except handover.UnknownCollection:
        return None


def package(request: HttpRequest) -> HttpResponse:
    found = _found(request)
    if found is None:
        wrong = request.method == "POST"
        return render(request, "partner/start.html", {"wrong": wrong}, status=404 if wrong else 200)
    if request.POST.get("answer") in {"received", "rejected"}:
        handover.acknowledge(found, request.POST["answer"], request.POST.get("reference", ""))
        found.refresh_from_db()
    partner_key_id = Referral.objects.values_list("partner_key_id", flat=True).get(pk=found.pk)
    partner = PartnerKey.objects.values_list("partner__name", flat=True).get(pk=partner_key_id)
    context = {
        "found": found,
        "package": Package.objects.get(pk=found.pk),
        "partner": partner,
        "code": request.POST["code"],
    }
    return render(request, "partner/package.html", context)


def collect(request: HttpRequest) -> HttpResponse | FileResponse:
    found = _found(request)
    if found is None or found.taken_back_at:
        return redirect("partner:start")
    handover.collected(found)
    return downloads.package(Package.objects.get(pk=found.pk))


def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint of the ledger, as a C2SP note: keep it, and the record before it cannot be changed unseen."""
    note = published.newest()
    return HttpResponse(
        note or "No checkpoint yet.\n",
        content_type="text/plain; charset=utf-8",
        status=200 if note else 404,
    )
