"""Partners and their keys: a supervisor adds a partner, anybody who prepares referrals adds its
key, a second person compares the key with the partner."""

from __future__ import annotations

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from cases import partners as directory
from cases.models import Partner, PartnerKey
from cases.screens.staff import StaffRequest, shows_refusals
from cases.staff.roles import May
from reporting.models import PartnerOffer


@shows_refusals
def partners(request: StaffRequest) -> HttpResponse:
    request.user.check_may(May.PREPARE_REFERRALS)
    if request.method == "POST":
        try:
            notices.success(request, _do(request))
        except (directory.NotAnAgeKey, directory.WordsMissing, PermissionDenied) as error:
            notices.error(request, f"{error} Nothing was changed.")
        return redirect("office:partners")
    offers = {offer.partner: offer for offer in PartnerOffer.objects.all()}
    partners = Partner.objects.prefetch_related("keys__added_by", "keys__checked_by")
    context = {
        "rows": [
            (partner, offers.get(partner.pk), list(partner.keys.all()))
            for partner in partners.order_by("name")
        ],
        "kinds": Partner.Kind.choices,
        "may_check": request.user.may(May.CHECK_PARTNER_KEYS),
    }
    return render(request, "office/partners.html", context)


def _do(request: StaffRequest) -> str:
    """One act; the sentence that says what was done."""
    what, given = request.POST.get("what"), request.POST
    if what == "add":
        directory.add(
            given.get("name", ""),
            given.get("kind", ""),
            plain_words=given.get("plain_words", ""),
            reviewed_on=timezone.now().date(),
            phone=given.get("phone", ""),
            by=request.user,
        )
        return "Added. Reporters are asked about it from now on. Now it needs a key."
    if what == "key":
        partner = get_object_or_404(Partner, pk=given.get("partner", ""))
        directory.add_key(partner, given.get("public_key", ""), by=request.user)
        return (
            "Kept. Nothing is locked to it before a second person has compared it with the partner."
        )
    partner_key = get_object_or_404(PartnerKey, pk=given.get("check", "0"))
    directory.check_key(partner_key, by=request.user)
    return "Compared. Packages can be locked to it now."
