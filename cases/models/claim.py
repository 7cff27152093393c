"""Work that a worker is doing."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Claim(models.Model):
    """See `cases.claims`."""

    work = models.CharField(primary_key=True, max_length=60)
    until = models.DateTimeField()

    INTERNAL: ClassVar = {"work", "until"}
