"""What is done in a case: notes, messages to the reporter, steps of the plan."""

from __future__ import annotations

from django.db import transaction

from cases.errors import NotNext
from cases.models import Case, Note
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import messages
from reporting.custody.record import founding, record
from reporting.models import Look, Report
from reporting.vault.fields import seal_text


def add_note(case: Case, text: str, *, by: StaffMember) -> Note:
    """A note sealed to the case's key. Raises PermissionDenied."""
    by.check_may(May.WORK_CASES)
    with transaction.atomic():
        note = Note.objects.create(
            case=case, author=by, sealed=seal_text(text, founding(case.pk).public_key)
        )
        record(case.pk, "note:added", actor=by.actor, detail={"note": note.pk})
    return note


def write_to_reporter(report: Report, text: str, *, by: StaffMember) -> None:
    """A message sealed to the report's key, and a line in the reporter's list of what the office
    did. Raises PermissionDenied."""
    by.check_may(May.WORK_CASES)
    with transaction.atomic():
        messages.post(report, text, from_office=True, by=by.actor)
        Look.objects.create(report=report, who=by.role_name, act="wrote to you")


def move(case: Case, state: Case.State, *, by: StaffMember) -> None:
    """To a state that Case.NEXT allows after the present one. Raises PermissionDenied, NotNext."""
    by.check_may(May.WORK_CASES)
    before = [earlier for earlier, later in Case.NEXT.items() if state in later]
    with transaction.atomic():
        if Case.objects.filter(pk=case.pk, state__in=before).update(state=state) != 1:
            raise NotNext(
                f"A case that is “{case.get_state_display()}” cannot become “{state.label}” next. "
                "Nothing was changed."
            )
        record(case.pk, "case:moved", actor=by.actor, detail={"to": state.value})
    case.state = state
