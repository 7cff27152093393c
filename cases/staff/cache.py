"""Django's cache for the staff door, in its database: sign-in limits and used six-digit codes,
shared by all its processes.

Values are JSON. Django's own database cache unpickles what it finds, so that whoever writes to
the table would run code here.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import transaction
from django.utils import timezone

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class DatabaseCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    @property
    def _entries(self) -> Any:
        from cases.staff.models import StaffCacheEntry  # caches are made before the apps are ready

        return StaffCacheEntry.objects

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = self._entries.filter(pk=self._hash(key, version), expires_at__gt=timezone.now())
        entry = found.first()
        return default if entry is None else json.loads(entry.value)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """True for exactly one of many who add at once: a six-digit code is used up by this."""
        key_hash = self._hash(key, version)
        with transaction.atomic():
            self._entries.filter(pk=key_hash, expires_at__lte=timezone.now()).delete()
            _entry, created = self._entries.get_or_create(
                pk=key_hash, defaults=self._columns(value, timeout)
            )
        return bool(created)

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._entries.filter(expires_at__lte=timezone.now()).delete()
        self._entries.update_or_create(
            pk=self._hash(key, version), defaults=self._columns(value, timeout)
        )

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        live = self._entries.filter(pk=self._hash(key, version), expires_at__gt=timezone.now())
        return bool(live.update(expires_at=self._until(timeout)))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._entries.filter(pk=self._hash(key, version)).delete()[0])

    def clear(self) -> None:
        self._entries.all().delete()

    def _hash(self, key: str, version: int | None) -> str:
        return hashlib.sha256(self.make_key(key, version=version).encode()).hexdigest()

    def _columns(self, value: Any, timeout: Any) -> dict[str, Any]:
        return {"value": json.dumps(value), "expires_at": self._until(timeout)}

    def _until(self, timeout: Any) -> datetime:
        at = self.get_backend_timeout(timeout)
        return _NEVER if at is None else datetime.fromtimestamp(at, UTC)
