"""The scripts that verify a package and a receipt, from the office itself: a copy that came inside
a package proves nothing, because whoever made the package up made up the copy too."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse

import reporting
from cases import exports

_FILES = {
    "verify.sh": Path(exports.__file__).with_name("verify.sh"),
    "verify-receipt.sh": Path(reporting.__file__).with_name("verify-receipt.sh"),
}


@cache
def hashes() -> dict[str, str]:
    """Name of a script → its SHA-256 (hex), as the start page prints it."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _FILES.items()}


def script(request: HttpRequest, name: str) -> HttpResponse:
    if name not in _FILES:
        raise Http404
    answer = HttpResponse(_FILES[name].read_bytes(), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
