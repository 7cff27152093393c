"""The words of a form that was not taken, to be shown again.

A browser's Back shows an empty field: pages are `no-store` and fields `autocomplete="off"`, for
whoever shares a device. So the answer itself gives the words back; nothing is stored.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

# Fields that hold sentences, on every door; never a password or a code.
_FIELDS = (
    "answer",
    "text",
    "words",
    "said",
    "told_to",
    "called_back",
    "reason",
    "reference",
    "plain_words",
)
_CHOICE = re.compile(r"[a-z0-9_]*")


def typed(request: HttpRequest) -> str:
    """Everything that was typed, or an empty text. The words of another site are not shown: they
    would look like ours."""
    if not _may_be_ours(request):
        return ""
    try:
        form = request.POST
    except (SuspiciousOperation, BadRequest, MultiPartParserError, OSError):  # it is no form
        return ""
    values = [value.strip() for name in _FIELDS for value in form.getlist(name)]
    return "\n\n".join(value for value in values if not _CHOICE.fullmatch(value))


def _may_be_ours(request: HttpRequest) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", "null")
    return site == "same-origin" and origin in {"null", *settings.OWN_ORIGINS}
