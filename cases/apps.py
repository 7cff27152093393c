from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = "Cases"

    def ready(self) -> None:
        post_migrate.connect(_apply_rules, sender=self)


def _apply_rules(**kwargs: Any) -> None:
    """After the last app is migrated: our SQL, then the rights that `cases.operations.grants`
    lists, and no others."""
    from cases.operations import grants
    from reporting.custody import rules

    rules.apply_file(Path(__file__).with_name("schema.sql"), kwargs["using"])
    grants.apply(kwargs["using"])
