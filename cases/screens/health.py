"""The staff door's page for the operator's monitor."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from reporting.custody import published


def ready(request: HttpRequest) -> JsonResponse:
    """503 if an event has waited longer than SEQUENCED_WITHIN for its place in the tree: then the
    sequencer does not run."""
    waited = published.oldest_unsequenced()
    late = waited is not None and waited > published.SEQUENCED_WITHIN
    return JsonResponse(
        {"ready": not late, "unsequenced_seconds": waited.total_seconds() if waited else 0},
        status=503 if late else 200,
    )
