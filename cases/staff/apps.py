from __future__ import annotations

from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "cases.staff"
    label = "staff"
    verbose_name = "Staff"
