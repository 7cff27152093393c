"""What imports cannot say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from cases.reports import timeline
from reporting.vault.fields import SealedField

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\n")
OURS = ("reporting", "custody", "staff", "cases")


def _files(*endings: str) -> list[Path]:
    return [
        ROOT / name
        for name in TRACKED
        if name.endswith(endings) and "/vendor/" not in name and (ROOT / name).is_file()
    ]


def _sources() -> list[Path]:
    return [
        path
        for path in _files(".py")
        if "migrations" not in path.parts and "tests" not in path.parts
    ]


def test_no_file_is_longer_than_400_lines() -> None:
    files = [
        path
        for path in _files(".py", ".html", ".css", ".js")
        if not path.name.endswith("_initial.py")
    ]
    assert len(files) > 100
    assert [
        f"{path}: {lines}" for path in files if (lines := len(path.read_text().splitlines())) > 400
    ] == []


@pytest.mark.parametrize(
    "model",
    [model for app in OURS for model in apps.get_app_config(app).get_models()],
    ids=lambda m: m.__name__,
)
def test_every_field_is_classified_once(model: type[models.Model]) -> None:
    listed = [
        name for kind in ("PUBLIC", "INTERNAL", "PERSONAL") for name in getattr(model, kind, set())
    ]
    fields = {field.name for field in [*model._meta.fields, *model._meta.many_to_many]}
    sealed = {field.name for field in model._meta.fields if isinstance(field, SealedField)}
    assert sorted(listed) == sorted(fields - sealed)


# Acts of somebody who is not of the house or its reporters say who they are in another way.
_SAY_WHO_OTHERWISE = {
    "come_back", "collected", "acknowledge", "found", "record", "find", "assess", "could_not_assess", "package", "_append", "_bind",
}  # fmt: skip


def test_every_function_that_writes_to_the_ledger_says_who() -> None:
    checked, silent = 0, []
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name in _SAY_WHO_OTHERWISE:
                continue
            calls = {
                call.func.id
                for call in ast.walk(node)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
            }
            if calls & {"record", "found"}:
                checked += 1
                if "by" not in {argument.arg for argument in node.args.kwonlyargs}:
                    silent.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert checked > 15
    assert silent == []


def test_every_setting_is_described() -> None:
    names = set(re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))
    described = set(
        re.findall(r"^\| `([A-Z_]+)`", (ROOT / "config/README.md").read_text(), re.MULTILINE)
    )
    assert len(names) > 20
    assert names == described


def test_every_event_is_described() -> None:
    written: set[str] = set()
    for path in _sources():
        written |= set(re.findall(r'"([a-z_]+:[a-z_]+)"', path.read_text()))
    written = {event for event in written if not event.startswith(("office:", "partner:"))}
    described = set(
        re.findall(
            r"^\| `([a-z_]+:[a-z_]+)`",
            (ROOT / "reporting/custody/README.md").read_text(),
            re.MULTILINE,
        )
    )
    assert len(written) > 20
    assert written == described
    assert written == set(timeline.WORDS)


def test_every_template_is_used() -> None:
    used = "\n".join(path.read_text() for path in _files(".py", ".html", ".txt"))
    # allauth and Django find these by their names.
    by_name = re.compile(r"^(account|mfa)/|^(400|403|404|500)\.html$")
    names = [
        str(path.relative_to(ROOT / "templates"))
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    ]
    assert len(names) > 30
    assert [name for name in names if not by_name.match(name) and name not in used and f"package/{Path(name).name}" not in used
            and "certificates" not in name and not name.startswith("package/")] == []  # fmt: skip


def test_the_lock_file_names_only_the_public_index() -> None:
    hosts = set(re.findall(r'https?://([^/"]+)', (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.django_db
def test_the_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_words_of_blame_and_of_the_trade_stay_off_her_screens() -> None:
    banned = re.compile(
        r"revenge porn|child porn|why did you|admitted|consented to|\bincident|\bcustody|\bledger|\bcheckpoint|\bfingerprint|\bdisclosure|\bvictim",
        re.IGNORECASE,
    )
    texts = {
        path: re.sub(r"{[%{].*?[%}]}", "", path.read_text())
        for path in (ROOT / "templates/reporter").glob("*.html")
    }
    texts |= {
        path: path.read_text()
        for path in (ROOT / "reporting/harms").glob("*.py")
        if path.name not in {"__init__.py", "base.py"}
    }
    for path, text in texts.items():
        shown = re.sub(
            r'term=".*"|takers=".*"|code=".*"|""".*?"""',
            "",
            text,
            flags=re.DOTALL if path.suffix == ".html" else 0,
        )
        assert not banned.search(shown), (path, banned.search(shown))


def test_the_title_and_the_addresses_say_nothing() -> None:
    assert (
        "{% block title %}Notes{% endblock %}"
        in (ROOT / "templates/base_reporter.html").read_text()
    )
    for path in (ROOT / "templates/reporter").glob("*.html"):
        assert "{% block title %}" not in path.read_text()
    for route in re.findall(r'path\("([^"]*)"', (ROOT / "reporting/screens/urls.py").read_text()):
        assert not re.search(r"report|harm|abuse|sex|victim|police|help(?!_)|evidence", route), (
            route
        )


def test_nothing_in_the_house_needs_the_network_to_be_imported() -> None:
    code = "import socket; socket.socket.connect = None\nimport os\nos.environ['DOORS']='public'\nimport django; django.setup()\nimport config.urls"
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": "/usr/bin:/bin"},
    )
