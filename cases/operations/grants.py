"""What each database role may do. A table that is not named here is forbidden to everybody but its
owner.

Applied after every migration; tests/house/test_grants.py tries what is forbidden, as each role.
`SELECT (a, b)` limits a right to columns. The ledger is written through `custody_append` only; rows
that it records are refused at commit without their act (reporting/schema.sql, cases/schema.sql).
"""

from __future__ import annotations

import re

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from cases.operations import limits, server

ROLES = (
    "holdfast_public",
    "holdfast_partner",
    "holdfast_staff",
    "holdfast_worker",
    "holdfast_opener",
    "holdfast_sequencer",
)

_READ_ADD = "SELECT, INSERT"
_READ_ADD_CHANGE = "SELECT, INSERT, UPDATE"
_ALL = "SELECT, INSERT, UPDATE, DELETE"

# table → {role: rights}. UPDATE or DELETE of a whole table would be the right to LOCK it: the roles
# that face the internet get columns, and functions that remove.
TABLES: dict[str, dict[str, str]] = {
    # what the reporter gives
    "reporting_report": {
        # Without a right to change it, PostgreSQL lets nobody hold a row.
        "public": "SELECT, INSERT (id, language, state, submitted_at, news_at, started_at), "
        "UPDATE (state)",
        "staff": "SELECT, UPDATE (state, news_at)",
        "worker": "SELECT",
    },
    "reporting_returncodewrap": {"public": _READ_ADD},
    "reporting_reportersession": {"public": "SELECT, INSERT, UPDATE (used_at)"},
    "reporting_officewrap": {
        "staff": "INSERT, SELECT (id)",
        "worker": "SELECT",
        "opener": "SELECT",
    },
    "reporting_pulse": {"public": "SELECT", "worker": _READ_ADD_CHANGE},
    "reporting_person": {"public": _READ_ADD, "staff": "SELECT", "worker": "SELECT"},
    "reporting_answer": {"public": _READ_ADD, "staff": "SELECT", "worker": "SELECT"},
    "reporting_incident": {"staff": "SELECT", "worker": _READ_ADD},
    "reporting_filegroup": {"public": _READ_ADD, "staff": "SELECT", "worker": "SELECT"},
    "reporting_evidenceitem": {
        "public": _READ_ADD,
        "staff": "SELECT",
        "worker": "SELECT, UPDATE (state)",
    },
    "reporting_quarantine": {
        "public": "SELECT, INSERT, UPDATE (state)",
        "staff": "SELECT, INSERT, UPDATE (state)",
        "worker": "SELECT",
    },
    "reporting_uploadreservation": {"public": "SELECT, INSERT, UPDATE (until)"},
    "reporting_message": {"public": _READ_ADD, "staff": _READ_ADD, "worker": "SELECT"},
    "reporting_receipt": {
        "public": _READ_ADD,
        "staff": "SELECT",
        "worker": "SELECT, UPDATE (proof)",
    },
    "reporting_consent": {"public": _READ_ADD, "staff": "SELECT", "worker": "SELECT"},
    "reporting_colleague": {"public": "SELECT", "staff": _READ_ADD_CHANGE},
    "reporting_partneroffer": {"public": "SELECT", "staff": _READ_ADD_CHANGE, "worker": "SELECT"},
    # the ledger
    "custody_custodyevent": {"staff": "SELECT", "worker": "SELECT", "opener": "SELECT"},
    "custody_custodydetail": {"staff": "SELECT", "worker": "SELECT"},
    "custody_waitingevent": {"staff": "SELECT (event_id)", "sequencer": "SELECT, DELETE"},
    "custody_place": {"staff": "SELECT", "worker": "SELECT", "sequencer": _READ_ADD},
    "custody_tile": {
        "partner": "SELECT",
        "staff": "SELECT",
        "worker": "SELECT",
        "sequencer": "SELECT, INSERT, UPDATE (width, hashes)",
    },
    "custody_checkpoint": {
        "public": "SELECT",
        "partner": "SELECT",
        "staff": "SELECT",
        "worker": "SELECT",
        "sequencer": "SELECT, INSERT, UPDATE (time_stamp, outside_time_stamp)",
    },
    # the office
    "cases_assessment": {"staff": _READ_ADD_CHANGE, "worker": _READ_ADD_CHANGE},
    "cases_case": {"staff": _READ_ADD_CHANGE, "worker": "SELECT"},
    "cases_casereport": {"staff": _READ_ADD, "worker": "SELECT"},
    "cases_claim": {"worker": _ALL},
    "cases_note": {"staff": _READ_ADD, "worker": "SELECT (id, case_id, author_id, at)"},
    "cases_quarantinedecision": {
        "staff": "SELECT, INSERT, UPDATE (confirmed_by_id, confirmed_at)",
        "worker": "SELECT",
    },
    "cases_partner": {"staff": _READ_ADD_CHANGE, "worker": "SELECT"},
    "cases_partnerkey": {
        "staff": "SELECT, INSERT, UPDATE (checked_by_id, checked_at)",
        "worker": "SELECT",
    },
    "cases_referral": {
        "staff": _READ_ADD_CHANGE,
        "worker": "SELECT, UPDATE (state, build_failed_at, build_failure)",
    },
    "cases_package": {"staff": "SELECT", "worker": _READ_ADD},
    "cases_disclosure": {
        "staff": _READ_ADD_CHANGE,
        "worker": "SELECT, UPDATE (taken_back_at, expires_at)",
    },
    # sign-in
    "staff_staffmember": {
        "staff": "SELECT, UPDATE (password, last_login)",
        "worker": "SELECT",
        "opener": "SELECT (id, actor_id, is_active)",
    },
    "staff_staffmember_groups": {"staff": "SELECT"},
    "staff_staffmember_user_permissions": {"staff": "SELECT"},
    "staff_staffsession": {"staff": _ALL},
    "staff_staffcacheentry": {"staff": _ALL},
    "account_emailaddress": {"staff": "SELECT"},
    "mfa_authenticator": {"staff": _ALL},
    "auth_group": {"staff": "SELECT"},
    "auth_permission": {"staff": "SELECT"},
    "auth_group_permissions": {"staff": "SELECT"},
    "django_content_type": {"staff": "SELECT"},
}
_OFFICE = ("staff", "worker")
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "custody_append": ("public", "partner", *_OFFICE, "opener"),
    "custody_founding": ("public", "partner", *_OFFICE, "opener"),
    "custody_head": ("public", *_OFFICE),
    "custody_acts": ("public", *_OFFICE),
    "reporting_report_sha256": ("public", "worker"),
    "reporting_report_recorded": ("worker",),
    "reporting_of_report": ("worker",),
    "reporting_quarantined": ("public", *_OFFICE),
    "reporting_take_out": ("public",),
    "reporting_end_visit": ("public",),
    "reporting_end_visits": ("public",),
    "reporting_release": ("public",),
    "reporting_wrap_for_office": ("public",),
    "reporting_replace_wraps": ("worker",),
    "reporting_expire_draft": ("worker",),
    "reporting_set_aside": ("worker",),
    "cases_band_sha256": _OFFICE,
    "cases_assessment_recorded": _OFFICE,
    "cases_note_sha256": ("worker",),
    "cases_handover_sha256": _OFFICE,
    "cases_handover_recorded": _OFFICE,
    "cases_case_sha256": _OFFICE,
    "cases_case_recorded": _OFFICE,
    "cases_collection": ("partner",),
    "cases_collect": ("partner",),
    "cases_answer": ("partner",),
    "limits_end_overdue": ("sequencer",),
}


def tables() -> list[str]:
    """Every table that a model of an installed app has, with the tables between two models."""
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})


def apply(using: str) -> None:
    """Make the roles that are missing (without a password: they cannot sign in until they get one),
    then grant. All or nothing, so that no running door is refused meanwhile."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for role in ROLES:
            cursor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object OR "
                "unique_violation THEN NULL; END $$"
            )
        server.close(cursor)
        limits.apply(using)
        everybody = ", ".join(ROLES)
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {everybody}")
        cursor.execute(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {everybody}")
        # A temporary table stands before ours wherever a name has no schema: nobody needs one.
        cursor.execute("SELECT quote_ident(current_database())")
        (database,) = cursor.fetchone()
        cursor.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {everybody}")
        cursor.execute(f"GRANT CONNECT ON DATABASE {database} TO {everybody}")
        cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {everybody}")
        cursor.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {everybody}")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {everybody}")
        for table, rights in TABLES.items():
            for role, granted in rights.items():
                for right in re.split(r", (?![^(]*\))", granted):
                    cursor.execute(f"GRANT {right} ON {table} TO holdfast_{role}")
                if "INSERT" in granted:
                    for sequence in _counters(cursor, table):
                        cursor.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO holdfast_{role}")
        for function, roles in FUNCTIONS.items():
            names = ", ".join(f"holdfast_{role}" for role in roles)
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {names}")


def _counters(cursor: CursorWrapper, table: str) -> list[str]:
    """The sequences behind the identity columns of a table."""
    cursor.execute(
        "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute WHERE attrelid = "
        "%s::regclass AND attidentity <> ''",
        [table, table],
    )
    return [sequence for (sequence,) in cursor.fetchall()]
