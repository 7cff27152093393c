"""Who is in a report: the harmed person, whoever reports for them, whoever is on the other side."""

from __future__ import annotations

from reporting.models import Person, Report


def harmed(report: Report) -> Person:
    (person,) = Person.objects.raw(  # read for every answer; a quarter of what the ORM takes
        "SELECT id, report_id, role FROM public.reporting_person "
        "WHERE report_id = %s AND role = %s",
        [report.pk, Person.Role.HARMED],
    )
    return person


def suspected(report: Report) -> Person:
    """Whoever is on the other side; made when the first account of theirs is given."""
    return Person.objects.get_or_create(report=report, role=Person.Role.SUSPECTED)[0]


def note_helper(report: Report, who: str) -> None:
    """Somebody who reports for another is a person of the report too: helper, or witness of
    somebody unknown to them."""
    roles = {
        "child": Person.Role.HELPER,
        "known": Person.Role.HELPER,
        "client": Person.Role.HELPER,
        "bystander": Person.Role.WITNESS,
    }
    if role := roles.get(who):
        Person.objects.get_or_create(report=report, role=role)
