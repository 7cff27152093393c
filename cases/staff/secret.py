"""Fernet with the staff-secret key, which lies in the staff door alone: what signs somebody in
is never at rest in the clear."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises cryptography.fernet.InvalidToken."""
    return _fernet().decrypt(encrypted.encode()).decode()


def _fernet() -> Fernet:
    return Fernet(Path(settings.STAFF_SECRET_KEY_FILE).read_text().strip())
