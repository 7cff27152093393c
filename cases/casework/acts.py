"""What is done in a case: notes, messages to the reporter, steps of the plan."""

from __future__ import annotations

from django.db import transaction

from cases import stored
from cases.errors import NotNext, ReasonMissing
from cases.models import Case, Note
from cases.reports.reading import stored_sha256
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting import messages
from reporting.custody.record import founding, record
from reporting.models import Report
from reporting.vault.fields import seal_text


def add_note(case: Case, text: str, *, by: StaffMember) -> Note:
    """A note sealed to the case's key. Raises PermissionDenied."""
    by.check_may(May.WORK_CASES)
    note = Note(case=case, author=by, sealed=seal_text(text, founding(case.pk).public_key))
    with transaction.atomic():
        note.at = record(
            case.pk,
            "note:added",
            actor=by.actor,
            detail={"note": note.pk},
            about=note.pk,
            about_sha256=bytes.fromhex(stored_sha256(note)),
        ).at
        note.save(force_insert=True)
    return note


def write_to_reporter(report: Report, text: str, *, by: StaffMember) -> None:
    """A message sealed to the report's key. Raises PermissionDenied."""
    by.check_may(May.WORK_CASES)
    messages.post(report, text, by=by.actor)


def allow_files(report: Report, reason: str, *, by: StaffMember) -> None:
    """An answer had closed the way for files, and a person who has read the report says that it was
    a mistake.

    What was quarantined stays so. Raises PermissionDenied, ReasonMissing.
    """
    by.check_may(May.WORK_CASES)
    if not reason.strip():
        raise ReasonMissing("Please say why files may be taken. Nothing was changed.")
    record(report.pk, "files:allowed", actor=by.actor, detail={"reason": reason.strip()})


def move(case: Case, state: Case.State, *, by: StaffMember) -> None:
    """To a state that Case.NEXT allows after the present one. Raises PermissionDenied, NotNext."""
    by.check_may(May.WORK_CASES)
    before = [earlier for earlier, later in Case.NEXT.items() if state in later]
    with stored.holding_case(case.pk):
        if Case.objects.filter(pk=case.pk, state__in=before).update(state=state) != 1:
            raise NotNext(
                f"A case that is “{case.get_state_display()}” cannot become “{state.label}” next. "
                "Nothing was changed."
            )
        record(
            case.pk,
            "case:moved",
            actor=by.actor,
            detail={"to": state.value},
            about_sha256=stored.case_sha256(case.pk),
        )
    case.state = state
