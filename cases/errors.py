"""Refusals that more than one part of `cases` raises: one class each, so that one `except` catches
all of them. Their text is a sentence for the screen."""

from __future__ import annotations


class NotNext(Exception):
    """The case or referral is not in a state from which this is possible; nothing was changed."""


class ReasonMissing(Exception):
    """An act that needs a written reason came without one; nothing was changed."""


class NotAsRecorded(Exception):
    """A hand-over or case is not what the ledger holds of it: it is frozen, nothing was changed."""
