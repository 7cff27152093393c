"""Applies the ledger's SQL after every migration: schema.sql, sequencing.sql, and the allow-list of
acts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.db import connections, transaction

from reporting import acts

_SCHEMA = Path(__file__).with_name("schema.sql")
_SEQUENCING = Path(__file__).with_name("sequencing.sql")


def apply(using: str) -> None:
    """Idempotent: every statement creates or replaces."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(_allow_list())
        cursor.execute(_SCHEMA.read_text())
        cursor.execute(_SEQUENCING.read_text())


def apply_file(path: Path, using: str) -> None:
    """The statements of one file, all or none. They are idempotent."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(path.read_text())


def _allow_list() -> str:
    """Functions made from `reporting.acts`: what each act is, as the ledger's SQL asks it."""
    may = ""
    for door in sorted(frozenset[str]().union(*(act.doors for act in acts.ALL))):
        names = [act.name for act in acts.ALL if door in act.doors]
        may += f"WHEN '{door}' THEN p_event = ANY (ARRAY[{_quoted(names)}]) "
    told = [act.name for act in acts.ALL if act.reporter_sees]
    sets = {"keeps": acts.KEEPING, "opens": acts.OPENING, "told_to_reporter": told}
    asks = "".join(
        f"CREATE OR REPLACE FUNCTION public.custody_{name}(p_event text) RETURNS boolean "
        f"LANGUAGE sql IMMUTABLE RETURN p_event = ANY (ARRAY[{_quoted(sorted(events))}]);\n"
        for name, events in sets.items()
    )
    about = "".join(f"WHEN {_are(thing)} THEN {_is_about(thing)} " for thing in acts.Thing)
    asks += (
        "CREATE OR REPLACE FUNCTION public.custody_is_about(p_event text, p_object text, p_subject "
        f"text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN CASE {about}ELSE false END;\n"
    )
    return (
        "CREATE OR REPLACE FUNCTION public.custody_door_may(p_event text, p_door text) RETURNS "
        f"boolean LANGUAGE sql IMMUTABLE RETURN CASE p_door {may}ELSE false END;\n{asks}"
    )


_SUBJECTS = frozenset({acts.Thing.REPORT, acts.Thing.CASE, acts.Thing.KEYED, acts.Thing.OPENER})


def _are(thing: acts.Thing) -> str:
    return f"p_event = ANY (ARRAY[{_quoted(act.name for act in acts.ALL if act.about is thing)}])"


def _is_about(thing: acts.Thing) -> str:
    """The object is an id of that kind; a report, case or the opener is the chain's own subject."""
    itself = " AND p_object = p_subject" if thing in _SUBJECTS else ""
    return f"p_object ~ '^[{thing.value}]-[0-9A-Z]{{12}}$'{itself}"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
