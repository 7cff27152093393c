"""CHECK constraints on what a door may write: every time, id, choice, name and size of a table that
a database role other than the owner writes.

A value that Python cannot read (`infinity`, a year before Christ) or that no page can show (an id
with a slash) would stop whoever meets it. Made from the models and applied after every migration;
one that is there already is not checked again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.apps import apps
from django.db import connections, models

from cases.operations import grants

_ID_LENGTH = 14
_LONGEST = {models.BinaryField: 8_000_000, models.TextField: 65_536}  # bytes
# What has no choices in its model: column → regular expression.
_SHAPES = {
    "reporting_report.language": "^[a-z]{2,3}(-[A-Za-z]{2,8})?$",
    "reporting_answer.question": "^[a-z0-9_]{1,30}$",
    "reporting_evidenceitem.vault_name": "^[0-9A-Za-z_-]{0,40}$",
    "reporting_evidenceitem.ciphertext_sha256": "^([0-9a-f]{64})?$",
    "reporting_returncodewrap.lookup": "^[0-9a-f]{64}$",
}
_OURS = ("reporting", "custody", "cases", "staff")


def wanted() -> dict[tuple[str, str], str]:
    """(table, column) → what must hold of it."""
    written = {
        model._meta.db_table: model
        for app in _OURS
        for model in apps.get_app_config(app).get_models()
        if _writers(model._meta.db_table)
    }
    return {
        (table, str(field.column)): condition
        for table, model in written.items()
        for field in model._meta.concrete_fields
        if (condition := _condition(table, field))
    }


def _writers(table: str) -> set[str]:
    rights = grants.TABLES.get(table, {})
    return {role for role, right in rights.items() if "INSERT" in right or "UPDATE" in right}


def _condition(table: str, field: models.Field[Any, Any]) -> str:
    """Empty for what may hold anything, and for keys of other tables, which are checked there."""
    column = field.column
    if shape := _SHAPES.get(f"{table}.{column}"):
        return f"{column} ~ '{shape}'"
    if isinstance(field, models.DateField):
        return f"{column} BETWEEN '2020-01-01' AND '2200-01-01'"
    if field.choices:
        values = [value for value, _label in field.flatchoices] + [""] * field.blank
        return f"{column} IN ({', '.join(repr(value) for value in values)})"
    if isinstance(field, models.CharField) and field.max_length == _ID_LENGTH:
        letter = field.get_default()[:1] or "A-Z"
        return f"{column} ~ '^[{letter}]-[0-9A-Z]{{12}}$'"
    if isinstance(field, models.BigIntegerField) and not field.primary_key:
        return f"{column} >= 0"
    longest = next((size for kind, size in _LONGEST.items() if isinstance(field, kind)), 0)
    if longest and "public" in _writers(table):
        return f"octet_length({column}) <= {longest}"
    return ""


def apply(using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "WHERE contype = 'c' AND conname LIKE 'value\\_%'"
        )
        present = set(cursor.fetchall())
        named = {(table, _name(sql)): sql for (table, _column), sql in wanted().items()}
        for table, name in present - named.keys():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for table, name in sorted(named.keys() - present):
            cursor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({named[table, name]})"
            )


def _name(condition: str) -> str:
    """Of its text, so that a condition that changes is another constraint."""
    return f"value_{hashlib.sha256(condition.encode()).hexdigest()[:16]}"
