"""The shape of a harm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise

Words = Promise | str


class Saved(Enum):
    """What may be worth saving. Never a picture of somebody who is or may be under 18."""

    CHAT_EXPORT = "chat_export"
    SCREENSHOT = "screenshot"
    LINK = "link"
    USER_ID = "user_id"
    PROFILE = "profile"
    PAYMENT = "payment"
    PHONE = "phone"
    EMAIL_HEADERS = "email_headers"
    TIMES = "times"
    LOG = "log"
    DEVICE_HASH = "device_hash"


@dataclass(frozen=True)
class Harm:
    """`code` is stored and never changes; `title` and `hint` are what the reporter reads; `term` is
    the field's word, for staff.

    `advice`: at most three short lines, saving before blocking; not shown where somebody controls
    the reporter. `of_children`: its name says that somebody under 18 is concerned or may be, so
    that no file is taken. `takers`: who usually takes it on, for staff.
    """

    code: str
    title: Words
    hint: Words
    term: str
    helps: tuple[Saved, ...]
    advice: tuple[Words, ...]
    takers: str
    of_children: bool = False
