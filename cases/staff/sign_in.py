"""What we change of allauth: nobody signs up by himself, seeds are encrypted at rest, no address
is looked at."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from cases.staff import secret


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """One for all. Behind a proxy everybody has one address, so limits count by name
        (ACCOUNT_RATE_LIMITS)."""
        return "office"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return secret.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secret.decrypt(encrypted_text)
