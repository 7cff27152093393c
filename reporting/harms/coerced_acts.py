"""Made to do or watch sexual things online."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="coerced_acts",
    title=_("Someone made me do sexual things online"),
    hint=_("On a call, on camera, or by message: with threats, pressure or tricks."),
    term="Coerced sexual acts online",
    helps=(
        Saved.CHAT_EXPORT,
        Saved.SCREENSHOT,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.PHONE,
        Saved.TIMES,
        Saved.LOG,
    ),
    advice=(
        _("It is not your fault. They forced it; you did not choose it."),
        _("You can leave the call. You owe nobody an answer."),
        _("If you are hurt, or someone is in the room with you, call the emergency number."),
    ),
    takers="Police; sexual-assault service; for a child the national child-protection hotline",
)
