"""Ordered to hurt oneself, others or animals."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="sadistic",
    title=_("Someone online tells me to hurt myself, others or animals"),
    hint=_("Often a group or server that threatens, dares or watches."),
    term="Sadistic online exploitation",
    helps=(Saved.CHAT_EXPORT, Saved.SCREENSHOT, Saved.USER_ID, Saved.PROFILE, Saved.LINK),
    advice=(
        _(
            "You never have to do what they say. Please do not stay alone right now: be with "
            "someone you trust."
        ),
        _("If you are hurt or might hurt yourself, call the emergency number."),
        _("Do not wipe the phone. What is on it can stop them."),
    ),
    takers="Emergency services; police; national child-protection hotline",
)
