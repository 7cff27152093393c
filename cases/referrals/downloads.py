"""A package, encrypted for its partner, as a streamed response: for the partner door, and for a
person who carries it."""

from __future__ import annotations

from django.http import FileResponse

from reporting import evidence


def package(vault_name: str, name: str, size: int) -> FileResponse:
    """The ciphertext (age) in the vault as `NAME.zip.age`, with its size in bytes."""
    response = FileResponse(
        evidence.store().open(vault_name), as_attachment=True, filename=f"{name}.zip.age"
    )
    response["Content-Length"] = str(size)
    return response
