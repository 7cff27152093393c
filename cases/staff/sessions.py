"""Session engine of the staff door: the database finds a session by SHA-256(cookie) and holds
its data encrypted.

The data carries the second-factor seed while it is set up, so it is Fernet under the
staff-secret key. The plaintext names the session it belongs to: data copied into another row
opens nothing. Django's async methods are not used here.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone

from cases.staff import secret


class SessionStore(DatabaseSessionStore):
    @classmethod
    def get_model_class(cls) -> Any:
        from cases.staff.models import StaffSession  # the engine is imported before the apps

        return StaffSession

    def exists(self, session_key: str) -> bool:
        return bool(self.model.objects.filter(pk=_hash(session_key)).exists())

    def load(self) -> dict[str, Any]:
        key_hash = _hash(self.session_key or "")
        row: Any = self.model.objects.filter(pk=key_hash, expires_at__gt=timezone.now()).first()
        data = _opened(row.data, key_hash) if row else None
        if data is None:
            self._session_key = None
        return data or {}

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        key_hash = _hash(self._get_or_create_session_key())  # type: ignore[attr-defined]
        record = json.dumps({"session": key_hash, "data": data})
        return self.model(
            pk=key_hash, data=secret.encrypt(record), expires_at=self.get_expiry_date()
        )

    def delete(self, session_key: str | None = None) -> None:
        self.model.objects.filter(pk=_hash(session_key or self.session_key or "")).delete()

    @classmethod
    def clear_expired(cls) -> None:
        cls.get_model_class().objects.filter(expires_at__lt=timezone.now()).delete()


def _opened(encrypted: str, key_hash: str) -> dict[str, Any] | None:
    """None for what another key encrypted or what belongs to another session: then nobody is
    signed in."""
    try:
        record = json.loads(secret.decrypt(encrypted))
    except InvalidToken:
        return None
    data: dict[str, Any] | None = record["data"] if record["session"] == key_hash else None
    return data


def _hash(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
