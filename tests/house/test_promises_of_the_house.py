"""Rules of the repository that import contracts cannot express."""

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
from django.db.models import CompositePrimaryKey

from reporting import acts
from reporting.models import EvidenceItem, Report
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
        if not {"migrations", "tests"} & set(path.relative_to(ROOT).parts)
    ]


# A partner gets it alone, so it is one file.
_ONE_FILE = ROOT / "cases/exports/verify.sh"


def test_no_file_is_longer_than_400_lines() -> None:
    files = [
        path
        for path in _files(".py", ".sql", ".sh", "run", ".html", ".css", ".js")
        if not path.name.endswith("_initial.py") and path != _ONE_FILE
    ]
    assert len(files) > 100
    assert [
        f"{path}: {lines}" for path in files if (lines := len(path.read_text().splitlines())) > 400
    ] == []


def test_no_line_that_no_linter_reads_is_longer_than_100_characters() -> None:
    files = _files(".sql", ".sh", "run", ".css", ".js")
    assert len(files) > 10
    assert [
        f"{path}:{number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 100
    ] == []


@pytest.mark.parametrize(
    "model",
    [model for app in OURS for model in apps.get_app_config(app).get_models()],
    ids=lambda model: model.__name__,
)
def test_every_field_is_classified_once(model: type[models.Model]) -> None:
    listed = [
        name for kind in ("PUBLIC", "INTERNAL", "PERSONAL") for name in getattr(model, kind, set())
    ]
    columns = [*model._meta.fields, *model._meta.many_to_many]
    # a primary key of two columns is no column of its own
    fields = {field.name for field in columns if not isinstance(field, CompositePrimaryKey)}
    sealed = {field.name for field in model._meta.fields if isinstance(field, SealedField)}
    assert sorted(listed) == sorted(fields - sealed)


_RECORDS = {"record", "record_signed", "record_on_both", "start_chain"}
# The actor is an argument of these (the ledger's own), or stands in the function: a partner by its
# code, a job, the reporter whose code was just redeemed.
_SAY_WHO_OTHERWISE = {
    "reporting/custody/record.py:record_on_both",
    "reporting/intake.py:start",
    "reporting/screens/pages.py:come_back",
    "cases/referrals/handover.py:collected",
    "cases/triage/queue.py:set_aside_unsent",
    "cases/referrals/disclosure.py:package",
}


def _says_who(function: ast.FunctionDef) -> bool:
    """Keyword-only `by`, or the visit of the reporter who is here."""
    arguments = function.args
    first = arguments.args[0] if arguments.args else None
    is_visit = first is not None and ast.unparse(first.annotation or ast.Name("")) == "Visit"
    return "by" in {argument.arg for argument in arguments.kwonlyargs} or is_visit


def _silent(source: str) -> tuple[list[str], list[str]]:
    """Functions that write to the ledger: those that say who acts, those that do not."""
    loud: list[str] = []
    silent: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
            names = {
                call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
                for call in calls
            }
            if names & _RECORDS:
                (loud if _says_who(node) else silent).append(node.name)
    return loud, silent


def test_every_function_that_writes_to_the_ledger_says_who() -> None:
    loud, silent = 0, set()
    for path in _sources():
        says, does_not = _silent(path.read_text())
        loud += len(says)
        silent |= {f"{path.relative_to(ROOT)}:{name}" for name in does_not}
    assert loud > 25
    assert silent == _SAY_WHO_OTHERWISE


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def f(report, *, by): record(report, 'x', actor=by)", True),
        ("def f(visit: Visit, text): signed.record_signed(visit, 'x')", True),
        ("def f(report, by): record(report, 'x', actor=by)", False),
        ("def f(visit): record(visit.report, 'x')", False),
    ],
)
def test_the_check_knows_who_says_who(source: str, says: bool) -> None:
    assert _silent(source) == ((["f"], []) if says else ([], ["f"]))


def test_every_setting_is_described() -> None:
    names = set(re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))
    described = set(
        re.findall(r"^\| `([A-Z_]+)`", (ROOT / "config/README.md").read_text(), re.MULTILINE)
    )
    assert len(names) > 20
    assert names == described


def test_every_act_is_described_and_recorded_somewhere() -> None:
    readme = (ROOT / "reporting/custody/README.md").read_text()
    described = set(re.findall(r"^\| `([a-z_]+:[a-z_]+)`", readme, re.MULTILINE))
    assert described == set(acts.BY_NAME)
    assert len(acts.BY_NAME) == len(acts.ALL) > 50
    written: set[str] = set()
    for path in _sources():
        if path != ROOT / "reporting/acts.py":
            written |= set(re.findall(r'"([a-z_]+:[a-z_]+)"', path.read_text()))
    named = {name for name in written if name.partition(":")[0] in _NOUNS}
    # put together from the state that is reached
    built = {f"evidence:{state}" for state in EvidenceItem.State.values if state != "kept"}
    built |= {
        f"report:{state.value}" for state in (Report.State.DECLINED, Report.State.OUT_OF_SCOPE)
    }
    built |= {"case:report_accepted", "case:report_joined"}
    assert set(acts.BY_NAME) - named - built == set()
    assert named - set(acts.BY_NAME) == set()


_NOUNS = {act.name.partition(":")[0] for act in acts.ALL}


def test_every_act_has_words_and_a_reporter_reads_of_every_opening() -> None:
    for act in acts.ALL:
        assert str(act.words), act.name
        assert act.doors, act.name
        on_report = act.about is not acts.Thing.CASE
        if act.opens and on_report:
            assert act.reporter_sees, act.name
        if act.keeps:
            assert act.about in _STORED, act.name
        if "public" in act.doors and act.doors == {"public"} and act.keeps:
            assert act.signed, act.name


_STORED = {
    acts.Thing.ANSWER, acts.Thing.ITEM, acts.Thing.MESSAGE, acts.Thing.CONSENT, acts.Thing.NOTE
}  # fmt: skip


def _wide_lines(path: Path) -> int:
    tag = re.compile(r"<(?![!/])|{%(?! *end)")
    lines = path.read_text().splitlines()
    return sum(len(line) > 120 or len(tag.findall(line)) > 3 for line in lines)


def test_template_lines_hold_one_idea() -> None:
    """At most 120 characters and three tags a line."""
    templates = [path for path in _files(".html") if path.is_relative_to(ROOT / "templates")]
    assert len(templates) > 50
    wide = {str(path.relative_to(ROOT)): _wide_lines(path) for path in templates}
    assert {name: count for name, count in wide.items() if count} == {}


def test_every_template_is_used() -> None:
    used = "\n".join(path.read_text() for path in _files(".py", ".html", ".txt"))
    # allauth finds these by their names.
    by_name = re.compile(r"^(account|mfa)/")
    names = [
        str(path.relative_to(ROOT / "templates"))
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    ]
    assert len(names) > 30
    unused = [
        name
        for name in names
        if not by_name.match(name)
        and name not in used
        and f"package/{Path(name).name}" not in used
        and "certificates" not in name
        and not name.startswith("package/")
    ]
    assert unused == []


def test_the_lock_file_names_only_the_public_index() -> None:
    hosts = set(re.findall(r'https?://([^/"]+)', (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.django_db
def test_the_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_blaming_and_technical_words_are_not_on_the_screens_of_reporters() -> None:
    banned = re.compile(
        r"revenge porn|child porn|why did you|admitted|consented to|\bincident|\bcustody|\bledger"
        r"|\bcheckpoint|\bfingerprint|\bdisclosure|\bvictim",
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


def test_titles_and_addresses_do_not_reveal_the_subject() -> None:
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


def test_importing_needs_no_network() -> None:
    code = (
        "import socket; socket.socket.connect = None\n"
        "import os\n"
        "os.environ['DOORS']='public'\n"
        "import django; django.setup()\n"
        "import config.urls"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": "/usr/bin:/bin"},
    )


def test_the_two_verifiers_check_signatures_alike() -> None:
    """Each script is one file that works alone, so what both need stands in both."""

    def of(script: str) -> str:
        text = (ROOT / script).read_text()
        return text[text.index("bytes() {") : text.index("this openssl cannot check Ed25519")]

    assert of("cases/exports/verify.sh") == of("reporting/verify-receipt.sh")
