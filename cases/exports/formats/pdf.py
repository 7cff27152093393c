"""HTML to PDF/A-3a (ISO 19005-3) through WeasyPrint."""

from __future__ import annotations

import logging
from typing import Any

from django.template.loader import render_to_string


class NoPdf(Exception):
    """WeasyPrint's system library is missing. `permanent` until somebody installs Pango."""

    permanent = True


def render(template: str, context: dict[str, Any]) -> bytes:
    """The PDF's bytes. The template cannot load any URL. Raises NoPdf."""
    try:
        # Here and not above: without Pango the import fails, and only PDF formats need it.
        from weasyprint import HTML
    except OSError as error:
        raise NoPdf(f"Pango is missing, so no PDF can be made: {error}") from None
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    document = HTML(string=render_to_string(template, context), url_fetcher=_refuse)
    return bytes(document.write_pdf(pdf_variant="pdf/a-3a"))


def _refuse(url: str, *args: object, **kwargs: object) -> dict[str, Any]:
    raise ValueError("a report fetches nothing")
