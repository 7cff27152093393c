"""Reads helplines.toml. An entry without `verified_on`, or checked too long ago, says so wherever
it is shown."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

STALE_AFTER = timedelta(days=365)


@dataclass(frozen=True)
class Helpline:
    name: str
    number: str = ""
    web: str = ""
    hours: str = ""
    source: str = ""
    verified_on: date | None = None

    @property
    def checked(self) -> bool:
        return (
            self.verified_on is not None
            and datetime.now(UTC).date() - self.verified_on <= STALE_AFTER
        )


@dataclass(frozen=True)
class Country:
    code: str
    name: str
    emergency: Helpline
    lines: tuple[Helpline, ...]


@cache
def countries() -> tuple[Country, ...]:
    data = tomllib.loads((Path(__file__).parent / "helplines.toml").read_text())
    return tuple(
        Country(
            code=code,
            name=entry["name"],
            emergency=Helpline(name="Emergency", **entry["emergency"]),
            lines=tuple(Helpline(**line) for line in entry.get("lines", [])),
        )
        for code, entry in sorted(data.items(), key=lambda pair: pair[1]["name"])
    )
