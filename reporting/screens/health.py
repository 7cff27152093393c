"""Whether this door can keep what it takes, for the operator's monitor. Says nothing of what is in it."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from reporting import evidence


def ready(request: HttpRequest) -> JsonResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"ready": False, "reason": "database"}, status=503)
    return JsonResponse({"ready": True, "takes_files": evidence.store().free_bytes() > 0})
