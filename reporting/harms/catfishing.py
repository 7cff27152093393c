"""Love or friendship that was a lie to get money."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="catfishing",
    title=_("Someone I got to know online lied about who they are to get money"),
    hint=_("Loans, tickets, investments, emergencies; perhaps they also have pictures of me."),
    term="Romance fraud",
    helps=(
        Saved.PAYMENT,
        Saved.EMAIL_HEADERS,
        Saved.PHONE,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.LINK,
        Saved.CHAT_EXPORT,
    ),
    advice=(
        _("Call your bank now: a payment of the last days can sometimes be stopped."),
        _("Do not pay anybody who offers to get your money back."),
        _("They are practised at this. Being deceived is not your fault."),
    ),
    takers="Bank; fraud reporting service; police",
)
