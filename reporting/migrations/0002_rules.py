"""What the public door may do to its rows. Kept in schema.sql, where it can be read as SQL."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("reporting", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL((Path(__file__).parent.parent / "schema.sql").read_text())
    ]
