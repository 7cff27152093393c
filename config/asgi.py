"""The upload pool: our own plain application, no Django handler in front (it would spool bodies
to disk)."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config import checks  # noqa: E402  the apps must be ready first
from reporting.screens.upload_pool import application  # noqa: E402

checks.refuse_to_start_if_wrong()

__all__ = ["application"]
