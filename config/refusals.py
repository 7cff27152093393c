"""The page of a request that is refused: by a door before Django sees it, by Django's checks, or
after an error.

It says what happened, what was kept and what to do next, and gives back the words that were sent.
It needs no database, no static file and no cookie: its style stands in it, and its content policy
names that style by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.doors import DOORS
from reporting.screens.typed import typed


@dataclass(frozen=True)
class _Words:
    happened: str | Promise
    next: str | Promise


_AGAIN = _(
    "Please wait a minute and load this page again. If your browser asks whether to send "
    "everything once more, say yes: it still has what you wrote."
)
_START = _("Please go to the first page and try from there.")
_UNREADABLE = _Words(_("Your browser sent something that we cannot read"), _START)
_WORDS: Mapping[int, _Words] = {
    400: _UNREADABLE,
    403: _Words(_("We could not see that this came from our own page"), _START),
    404: _Words(_("There is no page here"), _START),
    408: _Words(_("The connection was too slow to bring everything"), _AGAIN),
    413: _Words(
        _("That is more than one page can take"),
        _("Please go back and send it in two parts: you can add to it later."),
    ),
    431: _UNREADABLE,
    500: _Words(_("Something went wrong on our side"), _AGAIN),
    503: _Words(_("Many people are here at this moment"), _AGAIN),
}
_NOTHING_CHANGED = _("Nothing was changed. Everything that we said was kept is still kept.")
_MAYBE_CHANGED = _(
    "What was sent just now may not have been kept. Everything that we said was kept before is "
    "still kept."
)


def headers() -> dict[str, str]:
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }


def page(status: int, words: str = "") -> bytes:
    """`words`: what was typed, which comes back in a field."""
    mounts = [
        mount for door in DOORS.values() if door.name in settings.DOORS for mount in door.mounts
    ]
    home = "/" + min((prefix for prefix, _module in mounts), key=len, default="")
    context = {
        "style": _style(),
        "for_reporters": home == "/",
        "home": home,
        # Where nobody is free to end the visit, at least the page goes away at once.
        "leave": settings.LEAVE_URL if status == 503 else "/leave/",
        "happened": _WORDS[status].happened,
        "kept": _MAYBE_CHANGED if status == 500 else _NOTHING_CHANGED,
        "next": _WORDS[status].next,
        # The first page is no way on for words that the browser can send once more.
        "try_again": _WORDS[status].next is _AGAIN,
        "typed": words,
    }
    return render_to_string("refused/page.html", context).encode()


@cache
def _style() -> str:
    return render_to_string("refused/style.css")


def as_bytes(status: int) -> bytes:
    """A whole answer, for a connection whose request was never understood."""
    body = page(status)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers().items()]
    return "\r\n".join([*lines, "connection: close"]).encode() + b"\r\n\r\n" + body


def answer(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(page(status, typed(request)), status=status, headers=headers())


def handler(status: int) -> Callable[..., HttpResponse]:
    """For Django's `handler400` and its like."""

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return answer(request, status)

    return handle
