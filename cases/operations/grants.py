"""What each database role may do. A table that is not named here is forbidden to everybody but its owner.

Applied after every migration; tests/house/test_grants.py tries what is forbidden, as each role. `SELECT (a, b)` limits a right to
columns. The ledger is written through `custody_append` only.
"""

from __future__ import annotations

import re

from django.apps import apps
from django.db import connections
from django.db.backends.utils import CursorWrapper

ROLES = (
    "holdfast_public",
    "holdfast_partner",
    "holdfast_staff",
    "holdfast_opener",
    "holdfast_sequencer",
)

_READ_ADD = "SELECT, INSERT"
_READ_ADD_CHANGE = "SELECT, INSERT, UPDATE"
_ALL = "SELECT, INSERT, UPDATE, DELETE"

# table → {role: rights}
TABLES: dict[str, dict[str, str]] = {
    # what she gives
    "reporting_report": {
        "public": "SELECT, INSERT, UPDATE (state, submitted_at, news_at)",
        "staff": "SELECT, UPDATE (state, news_at)",
    },
    "reporting_returncodewrap": {"public": _READ_ADD},
    "reporting_reportersession": {"public": "SELECT, INSERT, DELETE, UPDATE (used_at)"},
    "reporting_officewrap": {
        "public": "INSERT, SELECT (id)",
        "staff": _READ_ADD,
        "opener": "SELECT",
    },
    "reporting_pulse": {"public": "SELECT", "staff": _READ_ADD_CHANGE},
    "reporting_person": {"public": _READ_ADD, "staff": "SELECT"},
    "reporting_answer": {"public": "SELECT, INSERT, DELETE", "staff": "SELECT"},
    "reporting_incident": {"public": _READ_ADD, "staff": "SELECT"},
    "reporting_filegroup": {"public": "SELECT, INSERT, UPDATE (shown_adult)", "staff": "SELECT"},
    "reporting_evidenceitem": {
        "public": "SELECT, INSERT, DELETE, UPDATE (state)",
        "staff": "SELECT, UPDATE (state)",
    },
    "reporting_message": {
        "public": "SELECT, INSERT, UPDATE (read_at)",
        "staff": "SELECT, INSERT, UPDATE (read_at)",
    },
    "reporting_receipt": {"public": _READ_ADD, "staff": "SELECT, UPDATE (proof)"},
    "reporting_consent": {"public": _READ_ADD, "staff": "SELECT"},
    "reporting_look": {"public": "SELECT, UPDATE (shown_at)", "staff": _READ_ADD},
    "reporting_partneroffer": {"public": "SELECT", "staff": _READ_ADD_CHANGE},
    # the ledger
    "custody_custodyevent": {
        "staff": "SELECT",
        "opener": "SELECT",
        "sequencer": "SELECT, UPDATE (tree_index)",
    },
    "custody_custodydetail": {
        "public": "INSERT",
        "partner": "INSERT",
        "staff": _READ_ADD,
        "opener": "SELECT",
        "sequencer": "SELECT",
    },
    "custody_custodyopening": {"opener": _READ_ADD},
    "custody_checkpoint": {
        "public": "SELECT",
        "partner": "SELECT",
        "staff": "SELECT",
        "sequencer": "SELECT, INSERT, UPDATE (time_stamp)",
    },
    # the office
    "cases_assessment": {"staff": _READ_ADD_CHANGE},
    "cases_case": {"staff": _READ_ADD_CHANGE},
    "cases_casereport": {"staff": _READ_ADD},
    "cases_note": {"staff": _READ_ADD},
    "cases_quarantinedecision": {"staff": _READ_ADD_CHANGE},
    "cases_partner": {"staff": _READ_ADD_CHANGE, "partner": "SELECT"},
    "cases_partnerkey": {"staff": _READ_ADD_CHANGE, "partner": "SELECT (id, partner_id)"},
    "cases_referral": {
        "staff": _READ_ADD_CHANGE,
        "partner": "SELECT (id, case_id, report_id, partner_key_id, state), UPDATE (state)",
    },
    "cases_package": {"staff": _READ_ADD, "partner": "SELECT"},
    "cases_disclosure": {
        "staff": _READ_ADD_CHANGE,
        "partner": "SELECT, UPDATE (collected_at, acknowledged_at, reference, answer)",
    },
    # sign-in
    "staff_staffmember": {"staff": "SELECT, UPDATE"},
    "staff_staffmember_groups": {"staff": "SELECT"},
    "staff_staffmember_user_permissions": {"staff": "SELECT"},
    "staff_staffsession": {"staff": _ALL},
    "account_emailaddress": {"staff": "SELECT"},
    "mfa_authenticator": {"staff": _ALL},
    "auth_group": {"staff": "SELECT"},
    "auth_permission": {"staff": "SELECT"},
    "auth_group_permissions": {"staff": "SELECT"},
    "django_content_type": {"staff": "SELECT"},
}
FUNCTIONS = {
    "custody_append(text, text, text, text, text)": ("public", "partner", "staff"),
    "custody_founding(text)": ("public", "partner", "staff", "opener"),
    "reporting_expire_draft(text, interval)": ("staff",),
}


def tables() -> list[str]:
    """Every table that a model of an installed app has, with the tables between two models."""
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})


def apply(using: str) -> None:
    """Make the roles that are missing (without a password: they cannot sign in until they get one), then grant."""
    with connections[using].cursor() as cursor:
        for role in ROLES:
            cursor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        everybody = ", ".join(ROLES)
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {everybody}")
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
            cursor.execute(
                f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join('holdfast_' + role for role in roles)}"
            )


def _counters(cursor: CursorWrapper, table: str) -> list[str]:
    """The sequences behind the identity columns of a table."""
    cursor.execute(
        "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''",
        [table, table],
    )
    return [sequence for (sequence,) in cursor.fetchall()]
