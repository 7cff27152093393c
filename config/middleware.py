"""What every answer of every door has in common."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse

from config import refusals
from reporting.screens import origin

type_of_view = Callable[[HttpRequest], HttpResponse]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class NoNulMiddleware:
    """PostgreSQL's text holds no NUL, so an id with one is an id of nothing: 404, wherever it
    was sent."""

    def __init__(self, get_response: type_of_view) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The driver refuses before anything is sent, and what the view had done is rolled back
        with it."""
        if isinstance(error, (DataError, ValueError)) and "NUL (0x00)" in str(error):
            return refusals.answer(request, 404)
        return None


class SameOriginMiddleware:
    def __init__(self, get_response: type_of_view) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        headers = request.headers
        if request.method not in SAFE_METHODS and not origin.is_ours(
            origin=headers.get("Origin"),
            fetch_site=headers.get("Sec-Fetch-Site"),
            referer=headers.get("Referer"),
            allowed=frozenset(settings.OWN_ORIGINS),
        ):
            return refusals.answer(request, 403)
        return self.get_response(request)


class PrivacyHeadersMiddleware:
    """Pages stay out of every cache; static files may be kept."""

    def __init__(self, get_response: type_of_view) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Permissions-Policy"] = (
            "camera=(), microphone=(), geolocation=(), browsing-topics=()"
        )
        return response
