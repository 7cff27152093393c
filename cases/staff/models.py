"""The staff and their sessions. Names stay here: the ledger records only `actor_id`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db import models

from cases.staff import roles
from reporting import ids
from reporting.actors import Actor
from reporting.models import Colleague


def staff_id() -> str:
    return ids.new("S")


class StaffMember(AbstractUser):
    """`role` is a key of roles.ALL."""

    actor_id = models.CharField(max_length=14, unique=True, default=staff_id)
    role = models.CharField(
        max_length=20,
        choices=[(key, role.name) for key, role in roles.ALL.items()],
        default="caseworker",
    )

    PERSONAL: ClassVar = {"username", "first_name", "last_name", "email", "password"}
    INTERNAL: ClassVar = {
        "id",
        "actor_id",
        "role",
        "last_login",
        "is_superuser",
        "is_staff",
        "is_active",
        "date_joined",
        "groups",
        "user_permissions",
    }

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Also writes down the role for the reporter's list of who looked."""
        super().save(*args, update_fields=update_fields, **options)
        if update_fields is None or "role" in update_fields:
            Colleague.objects.update_or_create(actor=self.actor_id, defaults={"role": self.role})

    @property
    def actor(self) -> Actor:
        return Actor(self.actor_id)

    @property
    def role_name(self) -> str:
        return roles.ALL[self.role].name

    def may(self, what: roles.May) -> bool:
        return self.is_active and what in roles.ALL[self.role].permissions

    def check_may(self, what: roles.May) -> None:
        """Raises PermissionDenied with a sentence for the screen."""
        if not self.may(what):
            raise PermissionDenied(f"Your role ({self.role_name}) may not {what.value}.")


class StaffSession(models.Model):
    """Django's session, stored under the SHA-256 (hex) of the cookie's value; `data` is encrypted
    (see sessions.py).

    A copy of this table is not enough to sign in, and tells nothing.
    """

    key_hash = models.CharField(primary_key=True, max_length=64)
    data = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    INTERNAL: ClassVar = {"key_hash", "data", "expires_at"}


class StaffCacheEntry(models.Model):
    """Sign-in limits and used six-digit codes for a few minutes; see cache.py."""

    key_hash = models.CharField(primary_key=True, max_length=64)
    value = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    INTERNAL: ClassVar = {"key_hash", "value", "expires_at"}
