"""The partner door."""

from __future__ import annotations

from django.urls import path

from cases.partner import screens

app_name = "partner"
urlpatterns = [
    path("", screens.start, name="start"),
    path("package/", screens.package, name="package"),
    path("package/collect/", screens.collect, name="collect"),
    path("checkpoint", screens.checkpoint, name="checkpoint"),
]
