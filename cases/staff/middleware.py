"""No page of the office without a second factor, and of the account pages only those that we use."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

_OFFICE = "/office/"
_OPEN = ("/office/account/", "/office/readyz")
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

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> None:
        match = request.resolver_match
        if match and request.path.startswith(_OPEN[0]) and match.url_name not in _ACCOUNT_PAGES:
            raise Http404
