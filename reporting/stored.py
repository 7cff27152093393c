"""The hash by which the ledger holds what stands in the clear about a report, and the wraps of its
key (`hashes.sql`): named by each act that changes them."""

from __future__ import annotations

from django.db import connection


def report_sha256(report: str) -> bytes:
    """By the report's id, of the rows as they stand in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_report_sha256(%s)", [report])
        return bytes(cursor.fetchone()[0])
