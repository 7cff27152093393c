"""One card for each recipient: yes, not now, never. "Not now" is preset, and no partner without
reviewed plain words is shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from reporting import answers, consent, on_record, visibility
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
            consent.give(visit, offer, Consent.Answer(request.POST["answer"]))
        return redirect("consents")
    known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
    since = visibility.since(visit, answers.read(known.answers, visit.secret))
    cards = []
    for offer in PartnerOffer.objects.exclude(plain_words="").order_by("name"):
        latest = consent.latest(known, offer.pk)
        if latest and since and latest.at < since:
            latest = None  # a found code does not tell who was agreed to
        answer = latest.answer if latest else Consent.Answer.NOT_NOW
        cards.append({"offer": offer, "latest": latest, "answer": answer})
    return render(request, "reporter/consents.html", {"cards": cards})
