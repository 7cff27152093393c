"""Held or controlled, with sexual acts sold or shown online."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="trafficking",
    title=_("Someone makes money from sexual things I am made to do"),
    hint=_("They control where I am, my phone, my papers or my money, or people pay to watch."),
    term="Trafficking for online sexual exploitation",
    helps=(Saved.PAYMENT, Saved.PHONE, Saved.PROFILE, Saved.USER_ID, Saved.LINK, Saved.LOG),
    advice=(
        _("You do not have to confront anyone. Your safety comes first."),
        _("We only contact you in the way and at the time you mark as safe."),
        _("If you are in danger now, call the emergency number if you can."),
    ),
    takers="National trafficking line; police; for a child the national child-protection hotline",
)
