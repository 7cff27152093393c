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
    """After the last app is migrated: our SQL, the rights that `cases.operations.grants`
    lists and no others, and the checks of values."""
    from cases.operations import grants, values
    from reporting.custody import rules

    rules.apply_file(Path(__file__).with_name("schema.sql"), kwargs["using"])
    grants.apply(kwargs["using"])
    values.apply(kwargs["using"])
