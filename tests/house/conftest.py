from __future__ import annotations

from tests.signed_in import as_role

__all__ = ["as_role"]
