"""The session cookie of a reporter: set with the first saved answer, never before."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from reporting import sessions
from reporting.screens.typed import typed

COOKIE = "__Host-notes"

View = Callable[..., HttpResponse]


def set_token(response: HttpResponse, token: sessions.Token) -> None:
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="Strict", path="/")


def forget(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, path="/", samesite="Strict")


def visit(request: HttpRequest) -> sessions.Visit | None:
    token = request.COOKIES.get(COOKIE)
    return sessions.resume(token) if token else None


def code_offered(request: HttpRequest) -> dict[str, bool]:
    """Context processor: from the first saved answer on, every page offers the return code."""
    return {"has_code": COOKIE in request.COOKIES}


def needs_report(view: View) -> View:
    """Passes the open report to the view; without one, a kind page that asks for the code."""

    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        found = visit(request)
        if found is None:
            context = {"typed": typed(request), "has_code": False}
            response = render(request, "reporter/closed.html", context, status=403)
            if COOKIE in request.COOKIES:  # a link on another site sends none, and ends no visit
                forget(response)
            return response
        return view(request, found, *args, **kwargs)

    return inner


def post_only(view: View) -> View:
    @wraps(view)
    def inner(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.method != "POST":
            return redirect("start")
        return view(request, *args, **kwargs)

    return inner
