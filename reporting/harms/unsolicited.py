"""Sexual pictures or messages nobody asked for."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="unsolicited",
    title=_("Someone sends me sexual pictures or messages I do not want"),
    hint=_("Once or again and again, from someone I know or a stranger."),
    term="Unsolicited sexual material",
    helps=(Saved.SCREENSHOT, Saved.PROFILE, Saved.USER_ID, Saved.PHONE),
    advice=(
        _("You did nothing to cause this."),
        _("Save the message with name, date and time first."),
        _("Then you can block and report the account."),
    ),
    takers="Platform; police; for a child the national child-protection hotline",
)
