"""A package, encrypted for its partner, as a streamed response: for the partner door, and for a
person who carries it."""

from __future__ import annotations

from django.http import FileResponse

from cases.models import Package
from reporting import evidence


def package(package: Package) -> FileResponse:
    """The ciphertext (age) under its name `….zip.age`, with its size in bytes."""
    response = FileResponse(
        evidence.store().open(package.vault_name),
        as_attachment=True,
        filename=f"{package.name}.zip.age",
    )
    response["Content-Length"] = str(package.encrypted_size)
    return response
