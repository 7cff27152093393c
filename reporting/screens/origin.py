"""Whether a form was sent from a page of ours. No token, so no cookie is needed before there is an
answer to keep."""

from __future__ import annotations


def is_ours(
    *, origin: str | None, fetch_site: str | None, referer: str | None, allowed: frozenset[str]
) -> bool:
    """Origin; else Sec-Fetch-Site; else Referer, for old browsers that send neither of the two
    (KaiOS 2.5, Firefox before 59). No page can make a browser send another page's Referer."""
    if origin is not None:
        return origin in allowed
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return referer is not None and any(referer.startswith(f"{ours}/") for ours in allowed)
