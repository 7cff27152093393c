"""Who acts, as the ledger names them: opaque ids, never a name."""

from __future__ import annotations

from typing import NewType

Actor = NewType("Actor", str)

REPORTER = Actor("reporter")


def job(name: str) -> Actor:
    return Actor(f"job:{name}")


def partner(partner_id: str) -> Actor:
    return Actor(partner_id)
