"""What the pages of the staff door share: the type of their requests, refusals shown as pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from cases.errors import NotAsRecorded
from cases.staff.models import StaffMember
from reporting.evidence import HashMismatch, NotOpenable
from reporting.screens.typed import typed
from reporting.sent import NotSentByReporter
from reporting.vault.opener import Refused


class StaffRequest(HttpRequest):
    """A request of a signed-in person; SecondFactorMiddleware lets no other through."""

    user: StaffMember


def shows_refusals(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Show what `view` refuses as a page: 403 for the role, 503 from the opener, 409 for a
    quarantined item and for what is not as recorded, 500 for bytes that do not match their
    hash."""

    @wraps(view)
    def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except PermissionDenied as error:
            return _page(
                request, 403, "That is not for your role, or not for you alone", str(error)
            )
        except Refused as refusal:
            return _page(
                request,
                503,
                "It was not opened",
                f"{refusal}. The attempt is on record. Nothing was changed.",
            )
        except NotAsRecorded as error:
            return _page(
                request,
                409,
                "This is not as it was recorded",
                f"{error} Nothing was changed. Please tell your administrator now.",
            )
        except NotOpenable as error:
            return _page(request, 409, "This item is locked", str(error))
        except NotSentByReporter as error:
            return _page(request, 409, "The reporter did not send this", str(error))
        except HashMismatch:
            return _page(
                request,
                500,
                "This item does not match its hash",
                "The bytes in the vault are not the bytes that came in. The item must not be used. "
                "Please tell your administrator now.",
            )

    return inner


def _page(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    context = {"title": title, "words": words, "typed": typed(request)}
    return render(request, "office/refused.html", context, status=status)
