from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = "Cases"

    def ready(self) -> None:
        post_migrate.connect(_grant, sender=self)


def _grant(**kwargs: Any) -> None:
    """After the last app is migrated: give the database roles the rights that
    `cases.operations.grants` lists, and no others."""
    from cases.operations.grants import apply

    apply(kwargs["using"])
