from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReportingConfig(AppConfig):
    name = "reporting"
    verbose_name = "Reporting"

    def ready(self) -> None:
        post_migrate.connect(_apply_rules, sender=self)


def _apply_rules(**kwargs: Any) -> None:
    from reporting.custody import rules

    for name in ("hashes.sql", "schema.sql", "drafts.sql"):
        rules.apply_file(Path(__file__).with_name(name), kwargs["using"])
