"""A sexual image of somebody under 18."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="child_image",
    title=_("There is a sexual picture or video of someone under 18"),
    hint=_("Of me or of someone else; also if I made it myself, or if it is fake."),
    term="Sexual image of a person under 18",
    helps=(Saved.LINK, Saved.USER_ID, Saved.PROFILE, Saved.DEVICE_HASH),
    advice=(
        _("Nobody under 18 is to blame for such a picture."),
        _("Do not send the picture to anyone, not even to us."),
        _("Words, names and links are enough. There are services that take such pictures down."),
    ),
    takers=(
        "Take-down service for under-18s; INHOPE hotline; national child-protection hotline; police"
    ),
    of_children=True,
)
