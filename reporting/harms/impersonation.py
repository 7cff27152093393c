"""Somebody pretends to be the reporter, or took their account."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="impersonation",
    title=_("Someone pretends to be me or took over my account"),
    hint=_("Fake profiles, stolen accounts, my name or papers used."),
    term="Impersonation, identity theft, account takeover",
    helps=(
        Saved.LINK,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.EMAIL_HEADERS,
        Saved.TIMES,
        Saved.PAYMENT,
    ),
    advice=(
        _("Save the address and number of the fake profile first."),
        _(
            "From another phone or computer: new password, sign out everywhere, turn on a second "
            "step."
        ),
        _("If money or papers are involved, tell your bank today."),
    ),
    takers="Platform; fraud reporting service; bank; police",
)
