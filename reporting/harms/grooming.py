"""An adult draws a child into sexual contact."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="grooming",
    title=_("An adult tries to get sexual contact with a child or teenager"),
    hint=_("Sexual chat, gifts, secrets, asking for pictures or to meet."),
    term="Grooming or solicitation of a child",
    helps=(
        Saved.CHAT_EXPORT,
        Saved.SCREENSHOT,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.PHONE,
        Saved.EMAIL_HEADERS,
    ),
    advice=(
        _("If a meeting is planned for today or tomorrow, call the police now."),
        _("Do not write to them in the child's name, and do not confront them."),
        _("Keep the phone as it is: save the words of the chat, no pictures."),
    ),
    takers="National child-protection hotline; police",
    of_children=True,
)
