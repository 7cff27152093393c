"""Insults, hate and pile-ons."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="abuse",
    title=_("Someone insults, shames or bullies me online"),
    hint=_("One person or many; also at school or work."),
    term="Cyberbullying or adult cyber abuse",
    helps=(Saved.LINK, Saved.SCREENSHOT, Saved.PROFILE, Saved.USER_ID, Saved.LOG),
    advice=(
        _("You do not have to read it all. Someone you trust can save it for you."),
        _("Save first, then report it to the service and mute."),
        _("If they threaten to hurt you, that is for the police."),
    ),
    takers="Platform; national online-safety regulator; school or employer; police if threats",
)
