"""Pay, or the pictures go out."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="financial_extortion",
    title=_("Someone threatens to share sexual pictures unless I pay"),
    hint=_("They ask for money, gift cards or crypto. The pictures may be real or fake."),
    term="Financial sexual extortion",
    helps=(
        Saved.CHAT_EXPORT,
        Saved.SCREENSHOT,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.PAYMENT,
        Saved.PHONE,
    ),
    advice=(
        _("Do not pay, or do not pay more. Paying often leads to more demands."),
        _(
            "Do not delete anything yet: save the chat and their profile first, then stop "
            "answering."
        ),
        _("Tell one person you trust. You do not have to go through this alone."),
    ),
    takers=(
        "Police; fraud reporting service; image helpline; for a child the national "
        "child-protection hotline"
    ),
)
