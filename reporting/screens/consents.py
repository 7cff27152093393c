"""One card for each recipient: yes, not now, never. "Not now" is preset, and no partner without reviewed plain words is shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from reporting import consent, people
from reporting.actors import REPORTER
from reporting.models import Consent, PartnerOffer, Report
from reporting.screens import cookies
from reporting.sessions import Visit


@cookies.needs_report
def consents(request: HttpRequest, visit: Visit) -> HttpResponse:
    if visit.report.state == Report.State.DRAFT:
        return redirect("check")
    if request.method == "POST":
        offer = get_object_or_404(
            PartnerOffer.objects.exclude(plain_words=""), pk=request.POST.get("partner", "")
        )
        if request.POST.get("answer") in Consent.Answer.values:
            consent.give(visit, offer, Consent.Answer(request.POST["answer"]), by=REPORTER)
        return redirect("consents")
    everything, cards = people.shows_everything(visit), []
    for offer in PartnerOffer.objects.exclude(plain_words="").order_by("name"):
        latest = consent.latest(visit.report, offer.pk)
        if latest and not everything and latest.signed_at < visit.since:
            latest = None  # a found code does not tell whom she said yes to
        cards.append(
            {"offer": offer, "latest": latest, "answer": latest.answer if latest else "not_now"}
        )
    return render(request, "reporter/consents.html", {"cards": cards})
