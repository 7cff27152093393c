"""An adult's intimate image shared, threatened, faked or filmed in secret."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reporting.harms.base import Harm, Saved

HARM = Harm(
    code="image_shared",
    title=_("Sexual pictures or videos of me were shared, made or faked"),
    hint=_("Without my agreement. I was 18 or older in them. Fake and AI pictures count too."),
    term="Non-consensual distribution of intimate images (adult)",
    helps=(
        Saved.LINK,
        Saved.SCREENSHOT,
        Saved.PROFILE,
        Saved.USER_ID,
        Saved.DEVICE_HASH,
        Saved.LOG,
    ),
    advice=(
        _("It is not your fault, whoever took the picture."),
        _("Copy the full address of each page before you ask for removal."),
        _(
            "A removal service can block the picture by a code made on your own phone, without "
            "sending the picture."
        ),
    ),
    takers="Image helpline; hash-sharing service; platform notice; police",
)
