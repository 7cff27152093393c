"""Tests run as the doors run: product code that a test calls, and every request of its client, is
under the door's role.

The test's own set-up and its assertions run as the owner. The first call from there into a module
of a door becomes that door for as long as it lasts; calls inside it stay as they are. Which module
belongs to which door stands below.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from celery import Task
from django.db import connection
from django.test.client import ClientHandler
from django.urls import Resolver404, resolve

from cases.operations.acting import acting_as

# Module, or "module.function" where one function belongs to another door than its module.
DOORS = {
    "reporting.answers.save": "public",
    "reporting.answers.take_out": "public",
    "reporting.consent.give": "public",
    "reporting.evidence.acquire": "public",
    "reporting.evidence.acquire_text": "public",
    "reporting.evidence.remove_from_draft": "public",
    "reporting.evidence.measure": "worker",
    "reporting.evidence.verify": "worker",
    "reporting.evidence.office_key": "staff",
    "reporting.intake": "public",
    "reporting.looks.mark_shown": "public",
    "reporting.messages.write": "public",
    "reporting.messages.mark_read_by_reporter": "public",
    "reporting.messages.post": "staff",
    "reporting.messages.mark_read_by_office": "staff",
    "reporting.news": "staff",
    "reporting.receipts.redeem": "public",
    "reporting.receipts.confirm": "worker",
    "reporting.retention": "worker",
    "reporting.sessions": "public",
    "reporting.vault.opener.decide": "opener",
    "cases.casework": "staff",
    "cases.partners": "staff",
    "cases.referrals": "staff",
    "cases.referrals.disclosure.package": "worker",
    "cases.referrals.disclosure.note_failure": "worker",
    "cases.referrals.handover.find": "partner",
    "cases.referrals.handover.collected": "partner",
    "cases.referrals.handover.answered_by_partner": "partner",
    "cases.referrals.recall.notice_withdrawn_consents": "worker",
    "cases.reports": "staff",
    "cases.tasks": "worker",
    "cases.triage.decisions": "staff",
    "cases.triage.queue": "staff",
    "cases.triage.queue.assess": "worker",
    "cases.triage.queue.could_not_assess": "worker",
    "cases.operations.rotation": "worker",
}
_plain: dict[Callable[..., Any], Callable[..., Any]] = {}  # wrapper → the function in it
_STAFF = ("/office/", "/api/")
_NAMESPACES = {"office": "staff", "partner": "partner", "": "public"}


def install() -> None:
    """Wrap every function and task of the modules above, and the test client's handler. Once a
    process."""
    for name in sorted(DOORS, key=len):
        module_name, function = _split(name)
        module = importlib.import_module(module_name)
        if function:
            _wrap(module, function, DOORS[name])
            continue
        found = [_wrap_all(submodule, DOORS[name]) for submodule in _with_submodules(module)]
        assert any(found), f"{name} has nothing to run as {DOORS[name]}"
    ClientHandler.__call__ = _request(ClientHandler.__call__)  # type: ignore[method-assign]


def _wrap_all(module: ModuleType, door: str) -> bool:
    """Whether the module has a function or task of its own."""
    found = False
    for attribute, value in vars(module).items():
        defined_here = inspect.isfunction(value) and value.__module__ == module.__name__
        if defined_here and not attribute.startswith("_"):
            _wrap(module, attribute, door)
        elif isinstance(value, Task):
            setattr(value, "run", _under(door, value.run))  # noqa: B010
        else:
            continue
        found = True
    return found


def owner() -> bool:
    """Whether the session is the owner's, that is: not acting as a door yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT session_user NOT LIKE 'holdfast\\_%%' OR session_user = 'holdfast_owner'"
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def entering(door: str) -> Iterator[None]:
    """Become a door, unless the caller is one already."""
    if not owner():
        yield
        return
    with acting_as(door):
        yield


def _split(name: str) -> tuple[str, str]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, function = name.rpartition(".")
        return module, function
    return name, ""


def _with_submodules(module: ModuleType) -> list[ModuleType]:
    if not hasattr(module, "__path__"):
        return [module]
    names = [found.name for found in pkgutil.iter_modules(module.__path__)]
    return [importlib.import_module(f"{module.__name__}.{name}") for name in names]


def _wrap(module: ModuleType, function: str, door: str) -> None:
    present: Callable[..., Any] = getattr(module, function)
    plain: Callable[..., Any] = _plain.get(present, present)
    under_its_role = _under(door, plain)
    _plain[under_its_role] = plain
    setattr(module, function, under_its_role)


def _under(door: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def under_its_role(*arguments: Any, **options: Any) -> Any:
        with entering(door):
            return plain(*arguments, **options)

    return under_its_role


def _request(call: Callable[..., Any]) -> Callable[..., Any]:
    def under_the_doors_role(self: ClientHandler, environ: dict[str, Any]) -> Any:
        with entering(_door_of(environ["PATH_INFO"])):
            return call(self, environ)

    return under_the_doors_role


def _door_of(path: str) -> str:
    try:
        match = resolve(path)
    except Resolver404:
        return "staff" if path.startswith(_STAFF) else "public"
    if path.startswith(_STAFF):
        return "staff"
    return _NAMESPACES.get(match.namespace, "public")
