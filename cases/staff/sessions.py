"""Session engine of the staff door: the database holds SHA-256(cookie), never the cookie. See StaffSession."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone


class SessionStore(SessionBase):
    def _rows(self) -> Any:
        from cases.staff.models import (
            StaffSession,
        )  # the engine is imported before the apps are ready

        return StaffSession.objects

    def exists(self, session_key: str) -> bool:
        return bool(self._rows().filter(key_hash=_hash(session_key)).exists())

    def load(self) -> dict[str, Any]:
        row = (
            self._rows()
            .filter(key_hash=_hash(self.session_key or ""), expires_at__gt=timezone.now())
            .first()
        )
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.data)

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        values = {
            "data": self.encode(self._get_session(no_load=must_create)),  # type: ignore[attr-defined]
            "expires_at": self.get_expiry_date(),
        }
        if must_create:
            try:
                with transaction.atomic():
                    self._rows().create(key_hash=_hash(self.session_key), **values)
            except IntegrityError:
                raise CreateError from None
        elif not self._rows().filter(key_hash=_hash(self.session_key)).update(**values):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        self._rows().filter(key_hash=_hash(session_key or self.session_key or "")).delete()

    @classmethod
    def clear_expired(cls) -> None:
        cls()._rows().filter(expires_at__lt=timezone.now()).delete()


def _hash(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
