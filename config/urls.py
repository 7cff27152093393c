"""Which doors are mounted. Paths are the same wherever a door runs; DOORS decides which are
there at all."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from config import (
    checks,  # noqa: F401  registers the start-up checks
    refusals,
)
from config.doors import DOORS

urlpatterns: list[URLPattern | URLResolver] = [
    path(prefix, include(module))
    for door in DOORS.values()
    if door.name in settings.DOORS
    for prefix, module in door.mounts
]
handler400, handler403, handler404, handler500 = map(refusals.handler, (400, 403, 404, 500))
