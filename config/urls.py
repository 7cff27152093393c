"""Which doors are mounted. Paths are the same wherever a door runs; DOORS decides which are there at all."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from config import checks  # noqa: F401  registers the start-up checks

urlpatterns: list[URLPattern | URLResolver] = []
if "public" in settings.DOORS:
    urlpatterns.append(path("", include("reporting.screens.urls")))
if "staff" in settings.DOORS:
    urlpatterns += [
        path("office/account/", include("allauth.account.urls")),
        path("office/account/2fa/", include("allauth.mfa.urls")),
        path("office/", include("cases.screens.urls")),
    ]
if "partner" in settings.DOORS:
    urlpatterns.append(path("partner/", include("cases.partner.urls")))
