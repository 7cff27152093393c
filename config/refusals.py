"""The small pages of a door that refuses a request before Django sees it. They say nothing of
what was asked."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext as _

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "connection": "close",
}


def _words(status: int) -> str:
    go_back = _("Please go back in your browser, where your words should still be, and send again.")
    return {
        400: _("Your browser sent something that we cannot read."),
        408: _("The connection was too slow to bring everything."),
        413: _("That is more than one page can take. Please send it in two parts."),
        431: _("Your browser sent something that we cannot read."),
        503: _("Many people are here at this moment. Please try again in a minute."),
    }[status] + f"</p><p>{go_back}"


def page(status: int) -> bytes:
    nothing = _("Everything that we said was kept is still kept.")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Notes</title>'
        f"<main><p>{_words(status)}</p><p>{nothing}</p></main></html>\n"
    ).encode()


def as_bytes(status: int) -> bytes:
    """A whole answer, for a connection whose request was never understood."""
    body = page(status)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in HEADERS.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
