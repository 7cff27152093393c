"""More pictures, sex or staying together, or the pictures go out."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="content_extortion",
    title=_("Someone threatens me to get more pictures, sex, or to keep me with them"),
    hint=_("It may be a stranger, a partner or someone from before."),
    term="Content or relational sexual extortion",
    helps=(Saved.CHAT_EXPORT, Saved.SCREENSHOT, Saved.PROFILE, Saved.USER_ID, Saved.LOG),
    advice=(
        _("You do not owe them anything, whatever you sent before."),
        _("If this person is near you, make a plan for your safety before you block them."),
        _("If they are far away: save the chat first, then stop answering."),
    ),
    takers=(
        "Police; domestic-violence service; image helpline; for a child the national "
        "child-protection hotline"
    ),
)
