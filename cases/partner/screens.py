"""The partner door: collect an encrypted package with its code, and answer. It holds no private
key. The code is sent in forms, never in a URL, so that no log or history keeps it."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases.models import Disclosure, Package, PartnerKey, Referral
from cases.referrals import downloads, handover
from reporting.custody import published


def start(request: HttpRequest) -> HttpResponse:
    return render(request, "partner/start.html")


def _disclosure(request: HttpRequest) -> Disclosure | None:
    """The hand-over whose collection code was posted."""
    if request.method != "POST":
        return None
    try:
        return handover.find(request.POST.get("code", ""))
    except handover.UnknownCollection:
        return None


def package(request: HttpRequest) -> HttpResponse:
    disclosure = _disclosure(request)
    if disclosure is None:
        wrong = request.method == "POST"
        return render(request, "partner/start.html", {"wrong": wrong}, status=404 if wrong else 200)
    if request.POST.get("answer") in {"received", "rejected"}:
        handover.acknowledge(disclosure, request.POST["answer"], request.POST.get("reference", ""))
        disclosure.refresh_from_db()
    partner_key_id = Referral.objects.values_list("partner_key_id", flat=True).get(pk=disclosure.pk)
    partner = PartnerKey.objects.values_list("partner__name", flat=True).get(pk=partner_key_id)
    context = {
        "found": disclosure,
        "package": Package.objects.get(pk=disclosure.pk),
        "partner": partner,
        "code": request.POST["code"],
    }
    return render(request, "partner/package.html", context)


def collect(request: HttpRequest) -> HttpResponse | FileResponse:
    disclosure = _disclosure(request)
    if disclosure is None or disclosure.taken_back_at:
        return redirect("partner:start")
    handover.collected(disclosure)
    return downloads.package(Package.objects.get(pk=disclosure.pk))


def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint of the ledger, as a C2SP note. Whoever keeps it can detect any
    later change to what came before it."""
    note = published.newest()
    return HttpResponse(
        note or "No checkpoint yet.\n",
        content_type="text/plain; charset=utf-8",
        status=200 if note else 404,
    )
