"""The custody ledger. README.md is the format."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CustodyConfig(AppConfig):
    name = "reporting.custody"
    label = "custody"
    verbose_name = "Custody ledger"

    def ready(self) -> None:
        post_migrate.connect(_apply_rules, sender=self)


def _apply_rules(**kwargs: Any) -> None:
    from reporting.custody import rules

    rules.apply(kwargs["using"])
