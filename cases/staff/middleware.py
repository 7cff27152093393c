"""No page of the office without a second factor."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

_OFFICE = "/office/"
_OPEN = ("/office/account/", "/office/readyz")


class SecondFactorMiddleware:
    """Signed in by password alone, every office page leads to setting up the second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        in_office = request.path.startswith(_OFFICE) and not request.path.startswith(_OPEN)
        if in_office:
            if not request.user.is_authenticated:
                return redirect("account_login")
            if not is_mfa_enabled(request.user):
                return redirect(reverse("mfa_activate_totp"))
        return self.get_response(request)
