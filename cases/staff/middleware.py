"""No page without a second factor, unless it says that it is open; of the account pages only
those that we use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver

View = Callable[..., HttpResponse]

# What else allauth brings (sign-up, e-mail, password by mail) is not there.
_ACCOUNT_PAGES = frozenset(
    {
        "account_login",
        "account_logout",
        "account_inactive",
        "account_reauthenticate",
        "account_change_password",
    }
    | {"mfa_authenticate", "mfa_reauthenticate", "mfa_index", "mfa_activate_totp"}
    | {"mfa_view_recovery_codes", "mfa_generate_recovery_codes"}
)
# By route name: the operator's monitor signs in nowhere.
_OPEN = frozenset({"office:ready"})


class SecondFactorMiddleware:
    """Every view of this process asks for a signed-in person with a second factor. The
    exceptions are named: `_OPEN`, the account pages, and the pages of doors that nobody signs in
    to (they are here in tests and commands only)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None
        if view.__module__.startswith("allauth."):
            if match.view_name not in _ACCOUNT_PAGES:
                raise Http404
            return None
        if match.view_name in _OPEN or view in _views_without_sign_in():
            return None
        if not request.user.is_authenticated:
            return redirect("account_login")
        if not is_mfa_enabled(request.user):
            return redirect("mfa_activate_totp")
        return None


@cache
def _views_without_sign_in() -> frozenset[View]:
    return frozenset(
        view
        for module in settings.URLCONFS_WITHOUT_SIGN_IN
        for view in _views(import_module(module).urlpatterns)
    )


def _views(patterns: list[URLPattern | URLResolver]) -> Iterator[View]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        else:
            yield pattern.callback
