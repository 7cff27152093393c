"""The partner door's pages of the ledger: its checkpoint, tiles, proofs and public key.

Paths and answers are those of C2SP tlog-tiles, so that its tools read them. They show hashes and
signatures and nothing of an event. Whoever keeps a checkpoint detects any later change to what came
before it.
"""

from __future__ import annotations

import base64
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from reporting.custody import extract, published, tiles
from reporting.custody.checkpoints import SignedCheckpoint

_TEXT = "text/plain; charset=utf-8"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class _BadRequest(Exception):
    """The sentence is the answer."""


def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint, as a C2SP note."""
    newest = published.newest()
    return _text(newest.note) if newest else _text("No checkpoint yet.\n", status=404)


def tile(request: HttpRequest, path: str) -> HttpResponse:
    """256 hashes, or with `.p/W` the first W of a tile. Both never change once they are there."""
    try:
        hashes = tiles.stored(tiles.TilePath.parse(path))
    except tiles.NotATile:
        return _text("Not a tile path: tile/L/N or tile/L/N.p/W, N in groups of three.\n", 400)
    if hashes is None:
        return _text("The tree has no such tile yet.\n", 404)
    response = HttpResponse(hashes, content_type="application/octet-stream")
    response.headers["Cache-Control"] = _FOR_EVER
    return response


def inclusion(request: HttpRequest) -> HttpResponse:
    """`?index=N`: the C2SP tlog-proof of one entry under the newest checkpoint."""
    try:
        index = _number(request, "index")
        newest = published.newest()
        if newest is None or index >= newest.size:
            return _text("No checkpoint covers this entry yet.\n", 404)
        proof = tiles.inclusion_proofs([index], newest.size)[index]
    except _BadRequest as error:
        return _text(f"{error}\n", 400)
    return _text(extract.tlog_proof(index, proof, newest.note))


def consistency(request: HttpRequest) -> HttpResponse:
    """`?from=N&to=M`: that the tree of N entries is how that of M begins; without `to`, of the
    newest checkpoint.

    Answered as a C2SP witness is asked: `old N`, the hashes, an empty line, the checkpoint of M.
    """
    try:
        first = _number(request, "from")
        later = _checkpoint_of(request)
        if later is None:
            return _text("There is no checkpoint of this size.\n", 404)
        if not 0 < first <= later.size:
            raise _BadRequest(f"from must be between 1 and {later.size}.")
        proof = tiles.consistency_proof(first, later.size)
    except _BadRequest as error:
        return _text(f"{error}\n", 400)
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return _text(f"old {first}\n{hashes}\n{later.note}")


def key(request: HttpRequest) -> HttpResponse:
    """The log's public key as C2SP tools take it. What counts is the copy that came by another
    road."""
    return _text(f"{published.verifier_key()}\n")


def key_pem(request: HttpRequest) -> HttpResponse:
    """The same key for openssl."""
    return _text(Path(settings.CHECKPOINT_PUBLIC_KEY_FILE).read_text())


def _checkpoint_of(request: HttpRequest) -> SignedCheckpoint | None:
    if "to" in request.GET:
        return published.of_size(_number(request, "to"))
    return published.newest()


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise _BadRequest(f"{name} must be a number.")
    return int(text)


def _text(text: str, status: int = 200) -> HttpResponse:
    response = HttpResponse(text, content_type=_TEXT, status=status)
    response.headers["Cache-Control"] = _ASK_AGAIN
    return response
