"""A passer-by found material."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="found_material",
    title=_("I came across sexual pictures or videos that look wrong"),
    hint=_("Of a child, or of someone who did not agree. I am not part of it."),
    term="Bystander report of material",
    helps=(Saved.LINK, Saved.TIMES),
    advice=(
        _("Thank you for not looking away."),
        _("The address is enough. Do not save anything and do not search for more."),
        _("If you think a child is in danger right now, call the police."),
    ),
    takers="INHOPE hotline; national child-protection hotline; police",
    of_children=True,
)
