"""Typed reading of the environment. Secrets come as files: NAME_FILE names a path, never a
value."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_NOT_SET = Path("/not-set")


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"The setting {name} is missing.")
    return value


def integer(name: str, default: int, *, least: int = 0) -> int:
    value = os.environ.get(name, "")
    if not value:
        return default
    if not value.isdigit() or int(value) < least:
        raise ImproperlyConfigured(
            f"The setting {name} should be a whole number, {least} or more, not {value!r}."
        )
    return int(value)


def flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").lower()
    if value not in {"", "0", "1", "no", "yes", "false", "true"}:
        raise ImproperlyConfigured(f"The setting {name} should be yes or no, not {value!r}.")
    return default if value == "" else value in {"1", "yes", "true"}


def words(name: str, default: str = "") -> tuple[str, ...]:
    return tuple(word.strip() for word in os.environ.get(name, default).split(",") if word.strip())


def names(name: str, default: str, *, allowed: Collection[str]) -> frozenset[str]:
    found = frozenset(words(name, default))
    if unknown := found - set(allowed):
        raise ImproperlyConfigured(
            f"The setting {name} knows no {', '.join(sorted(unknown))}."
            f" It knows {', '.join(sorted(allowed))}."
        )
    return found


def signing_key(file: Path, *, for_doors: Collection[str]) -> str:
    """Django's SECRET_KEY: the file's secret bound to the door, so that no two doors can ever
    share one.

    Without a file it is random and ends with the process: nothing that such a door signs is
    valid anywhere else.
    """
    if not is_set(file):
        return secrets.token_hex(32)
    purpose = f"holdfast SECRET_KEY {','.join(sorted(for_doors))}"
    return hmac.digest(file.read_bytes().strip(), purpose.encode(), "sha512").hex()


def path(name: str) -> Path:
    """A missing one is a path that cannot exist and names its setting: the error of who needs it
    says what to set."""
    return Path(os.environ.get(name) or _NOT_SET / name)


def is_set(found: Path) -> bool:
    return _NOT_SET not in found.parents


def database(name: str) -> dict[str, object]:
    """`postgresql://role:password@host/name`; the host may be a percent-encoded socket folder."""
    url = urlsplit(os.environ.get(name, ""))
    if url.scheme not in {"postgresql", ""}:
        raise ImproperlyConfigured(
            f"{name} should begin with postgresql://; there is no other engine."
        )
    return {
        "ENGINE": "config.database",
        "NAME": url.path.lstrip("/") or "holdfast",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.netloc.rpartition("@")[2].partition(":")[0]),
        "PORT": str(url.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 600,
        # Statements are prepared from their second use on: a third of the work of small ones.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 2},
    }
