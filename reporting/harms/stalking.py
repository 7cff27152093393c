"""Followed, watched or exposed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="stalking",
    title=_("Someone follows, watches or exposes me"),
    hint=_("They know where I am, read my messages, or published my address."),
    term="Doxing, cyberstalking, technology-facilitated partner abuse",
    helps=(Saved.LOG, Saved.SCREENSHOT, Saved.PHONE, Saved.PROFILE),
    advice=(
        _("If you can, use a phone or computer that they never had in their hands."),
        _("Do not remove trackers or apps before you have a plan: they would notice."),
        _("A domestic-violence service can help to plan, also if you stay."),
    ),
    takers="Domestic-violence service; police",
)
