"""Every route with every role: who is let in, who is sent to sign in, who is refused; and no route that takes a byte but the pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cases.operations.seed import person
from cases.referrals import emergency
from reporting import intake, messages
from reporting.actors import REPORTER
from reporting.models import EvidenceItem, Report, ReporterSession
from reporting.vault import codes
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8100", "sec-fetch-site": "same-origin"}

# Route → expected status of a GET as (nobody, caseworker, supervisor, safeguarding). 302 leads to signing in, or on.
MATRIX: dict[str, tuple[int, int, int, int]] = {
    "office:queue": (302, 200, 200, 200),
    "office:ready": (200, 200, 200, 200),
    "office:report": (302, 302, 302, 302),  # this report has a case: on to it
    "office:decide": (302, 302, 302, 302),
    "office:case": (302, 200, 200, 403),
    "office:act": (302, 302, 302, 302),
    "office:prepare": (302, 302, 302, 302),
    "office:tell_now": (302, 200, 200, 403),
    "office:look": (302, 200, 200, 403),
    "office:quarantine_item": (302, 302, 302, 302),
    "office:quarantine": (302, 403, 200, 200),
    "office:partners": (302, 200, 200, 403),
    "office:referral": (302, 200, 200, 403),
    "partner:start": (200,) * 4,
    "partner:package": (200,) * 4,
    "partner:collect": (302,) * 4,
    "partner:checkpoint": (404,) * 4,  # before the first checkpoint
    "start": (200,) * 4,
    "who_is_told": (200,) * 4,
    "question": (200,) * 4,
    "help_now": (200,) * 4,
    "come_back": (200,) * 4,
    "leave": (302,) * 4,
    "pause": (200,) * 4,
    "ready": (200,) * 4,
    # without a report of hers: a kind page that asks for the code
    **dict.fromkeys(
        ("careful", "first_steps", "added", "files", "check", "receipt", "portal", "consents"),
        (403,) * 4,
    ),
    # only by a button of ours
    **dict.fromkeys(("age_of_shown", "take_out", "send", "keep_receipt", "code"), (302,) * 4),
}


def _routes(patterns: Any, prefix: str = "", namespace: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if "allauth" not in str(pattern.urlconf_name):
                space = f"{pattern.namespace}:" if pattern.namespace else namespace
                found |= _routes(pattern.url_patterns, path, space)
        elif isinstance(pattern, URLPattern):
            found[f"{namespace}{pattern.name}"] = "/" + path
    return found


ROUTES = _routes(get_resolver().url_patterns)


def test_every_route_has_a_row() -> None:
    assert set(ROUTES) == set(MATRIX)


@pytest.fixture
def ids(running_opener: None) -> dict[str, str]:
    worker = factories.staff()
    visit = factories.draft()
    item = factories.file(visit)
    intake.submit(visit)
    case = factories.case(visit, worker)
    told = emergency.tell(
        case, visit.report, told_to="a", called_back="b", said="c", threat_to_life=True, by=worker
    )
    return {
        "<str:report_id>": visit.report.pk, "<str:item_id>": item.pk, "<str:case_id>": case.pk, "<str:referral_id>": told.pk,
        "<int:number>": "2",
    }  # fmt: skip


def _clients() -> list[Client]:
    clients = [Client()]
    for role in ("caseworker", "supervisor", "safeguarding"):
        client = Client()
        client.force_login(person(f"matrix-{role}", role))
        clients.append(client)
    return clients


def test_each_route_answers_each_role_as_the_matrix_says(ids: dict[str, str]) -> None:
    clients = _clients()
    for name, path in ROUTES.items():
        for part, value in ids.items():
            path = path.replace(part, value)
        assert "<" not in path, path
        found = tuple(client.get(path).status_code for client in clients)
        assert found == MATRIX[name], name


def test_a_password_alone_opens_no_page_of_the_office() -> None:
    client = Client()
    client.force_login(factories.staff())
    for name, path in ROUTES.items():
        if name.startswith("office:") and name != "office:ready":
            assert (
                client.get(path.replace("<str:", "X").replace(">", ""))
                .headers["Location"]
                .endswith("/2fa/totp/activate/")
            )


def test_of_the_account_pages_only_those_are_there_that_we_use() -> None:
    client = Client()
    client.force_login(person("somebody", "caseworker"))
    for page in (
        "signup/",
        "email/",
        "password/reset/",
        "password/set/",
        "2fa/totp/deactivate/",
        "2fa/recovery-codes/download/",
    ):
        assert client.get(f"/office/account/{page}").status_code == 404, page
    for page in ("password/change/", "2fa/", "reauthenticate/"):
        assert (
            "Holdfast</a>" in client.get(f"/office/account/{page}", follow=True).content.decode()
        ), page


def test_no_django_route_takes_a_file(ids: dict[str, str], settings: Any) -> None:
    settings.OWN_ORIGINS = ["http://localhost:8100"]
    worker = _clients()[1]
    for path in ROUTES.values():
        for part, value in ids.items():
            path = path.replace(part, value)
        answer = worker.post(
            path,
            {"files": SimpleUploadedFile("x.jpg", b"bytes of a picture"), "text": "x"},
            headers=ORIGIN,
        )
        assert answer.status_code in {400, 302, 403, 405, 200, 404}
        assert b"bytes of a picture" not in answer.content
    assert EvidenceItem.objects.count() == 1


@pytest.mark.parametrize("path", ["/page/1/", "/back/", "/partner/package/"])
def test_a_form_that_brings_a_file_to_django_is_refused_before_it_is_spooled(
    path: str, tmp_path: Path, settings: Any
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    answer = Client().post(
        path,
        {"files": SimpleUploadedFile("x.jpg", b"x" * 5_000_000), "answer": "yes"},
        headers=ORIGIN,
    )
    assert answer.status_code == 400
    assert "what you sent just now is not" in answer.content.decode()
    assert list(tmp_path.glob("*.upload*")) == []


def test_a_form_of_another_site_changes_nothing() -> None:
    foreign: tuple[dict[str, str], ...]
    foreign = (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
        {"sec-fetch-site": "cross-site"},
    )
    for headers in foreign:
        answer = Client().post("/page/1/", {"answer": "yes"}, headers=headers)
        assert answer.status_code == 403
        assert "not come from our page" in answer.content.decode()
    assert not Report.objects.exists()


def test_no_cookie_before_the_first_saved_answer_and_a_strict_one_after() -> None:
    client = Client()
    for path in ("/", "/before/", "/page/1/", "/now/", "/back/"):
        assert not client.get(path).cookies
    assert not client.post("/page/1/", {}, headers=ORIGIN).cookies
    cookie = client.post("/page/1/", {"answer": "yes"}, headers=ORIGIN).cookies["__Host-notes"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        True,
        "Strict",
        "/",
    )


def test_every_page_of_hers_stays_out_of_caches_and_loads_nothing_from_elsewhere() -> None:
    for path in ("/", "/before/", "/page/1/", "/now/", "/back/"):
        answer = Client().get(path)
        assert answer["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert len(answer.content) < 50_000


def test_leaving_ends_the_session_and_clears_the_browser() -> None:
    client = Client()
    client.post("/page/1/", {"answer": "yes"}, headers=ORIGIN)
    answer = client.get("/leave/")
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert not ReporterSession.objects.exists()


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ("12345", 400, "a code has 25"),
        ("abc", 400, "something other than digits"),
        ("0" * 25, 400, "mistyped"),
        ("unknown", 404, "We know no report with this code"),
    ],
)
def test_a_wrong_code_gets_a_clear_answer(typed: str, status: int, says: str) -> None:
    answer = Client().post(
        "/back/", {"code": codes.mint() if typed == "unknown" else typed}, headers=ORIGIN
    )
    assert answer.status_code == status
    assert says in answer.content.decode()


def test_a_found_code_shows_only_what_is_new_unless_she_chose_otherwise() -> None:
    for chosen in ("no", "", "yes"):
        visit = factories.draft({**factories.ADULT_EXTORTION, "show_again": chosen})
        factories.file(visit, name="private name.jpg")
        intake.submit(visit)
        messages.post(visit.report, "what she wrote long ago", from_office=False, by=REPORTER)
        messages.post(
            visit.report, "what the office wrote", from_office=True, by=factories.staff().actor
        )
        finder = Client()
        finder.post("/back/", {"code": visit.code}, headers=ORIGIN)
        seen = "".join(
            finder.get(path).content.decode() for path in ("/mine/", "/more/", "/mine/who/")
        )
        assert "what the office wrote" in seen
        for private in ("what she wrote long ago", "private name.jpg"):
            assert (private in seen) == (chosen == "yes"), (chosen, private)
        assert factories.ADULT_EXTORTION["words"] not in seen
        later = Client()
        later.post("/back/", {"code": visit.code}, headers=ORIGIN)
        assert ("what the office wrote" in later.get("/mine/").content.decode()) == (
            chosen == "yes"
        )


def test_an_open_tab_turns_neutral_without_a_script_but_never_under_her_hands() -> None:
    refresh = 'http-equiv="refresh" content="300;url=/pause/"'
    for path, turns in (
        ("/", True),
        ("/page/1/", True),
        ("/page/5/", True),
        ("/page/6/", False),
        ("/pause/", False),
    ):
        assert (refresh in Client().get(path).content.decode()) == turns, path
