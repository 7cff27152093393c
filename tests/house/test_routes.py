"""Every route with every role; and no Django route takes a file."""

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
from reporting.custody.models import CustodyEvent
from reporting.models import Answer, EvidenceItem, Quarantine, Report, ReporterSession
from reporting.questions import POSITION
from reporting.vault import codes, keys
from tests import factories
from tests.reporter import page

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8100", "sec-fetch-site": "same-origin"}

# Route → expected status of a GET as (nobody, caseworker, supervisor, safeguarding).
# 302 leads to the sign-in page, or to the next page.
MATRIX: dict[str, tuple[int, int, int, int]] = {
    "office:queue": (302, 200, 200, 200),
    "office:ready": (200, 200, 200, 200),
    "office:report": (302, 302, 302, 302),  # redirects to the case of this report
    "office:decide": (302, 302, 302, 302),
    "office:case": (302, 200, 200, 403),
    "office:act": (302, 302, 302, 302),
    "office:prepare": (302, 302, 302, 302),
    "office:tell_now": (302, 200, 200, 403),
    "office:look": (302, 200, 200, 403),
    "office:quarantine_thing": (302, 302, 302, 302),
    "office:quarantine": (302, 403, 200, 200),
    "office:partners": (302, 200, 200, 403),
    "office:referral": (302, 200, 200, 403),
    "partner:start": (200,) * 4,
    "partner:package": (200,) * 4,
    "partner:collect": (302,) * 4,
    "partner:verify": (200,) * 4,
    "partner:verify_receipt": (200,) * 4,
    "partner:checkpoint": (404,) * 4,  # before the first checkpoint
    "partner:tile": (404,) * 4,
    "partner:inclusion": (400,) * 4,
    "partner:consistency": (400,) * 4,
    "partner:ledger_key": (200,) * 4,
    "partner:ledger_key_pem": (200,) * 4,
    "start": (200,) * 4,
    "who_is_told": (200,) * 4,
    "question": (200,) * 4,
    "help_now": (200,) * 4,
    "come_back": (200,) * 4,
    "leave": (302,) * 4,
    "pause": (200,) * 4,
    "ready": (200,) * 4,
    # without an open report: a page that asks for the return code
    **dict.fromkeys(
        ("careful", "first_steps", "added", "files", "check", "receipt", "portal", "consents"),
        (403,) * 4,
    ),
    # POST only
    **dict.fromkeys(
        ("age_of_shown", "take_out", "take_out_answer", "send", "keep_receipt", "code"), (302,) * 4
    ),
}


def _routes(patterns: Any, prefix: str = "", namespace: str = "") -> dict[str, str]:
    routes: dict[str, str] = {}
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if "allauth" not in str(pattern.urlconf_name):
                space = f"{pattern.namespace}:" if pattern.namespace else namespace
                routes |= _routes(pattern.url_patterns, path, space)
        elif isinstance(pattern, URLPattern):
            routes[f"{namespace}{pattern.name}"] = "/" + path
    return routes


ROUTES = _routes(get_resolver().url_patterns)


# The same for a POST with an empty form, of the staff door: what is not for a role is refused
# before anything is read.
POSTED: dict[str, tuple[int, int, int, int]] = {
    "office:queue": (302, 200, 200, 200),
    "office:ready": (200, 200, 200, 200),
    "office:report": (302, 302, 302, 302),
    "office:decide": (302, 302, 302, 302),
    "office:case": (302, 200, 200, 403),
    "office:act": (302, 302, 302, 302),
    "office:prepare": (302, 404, 404, 404),
    "office:tell_now": (302, 200, 200, 403),
    "office:look": (302, 200, 200, 403),
    "office:quarantine_thing": (302, 302, 302, 302),
    "office:quarantine": (302, 403, 404, 404),
    "office:partners": (302, 404, 404, 403),
    "office:referral": (302, 404, 404, 403),
}


def test_every_route_has_a_row() -> None:
    assert set(ROUTES) == set(MATRIX)
    assert set(POSTED) == {name for name in ROUTES if name.startswith("office:")}


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
        "<str:report_id>": visit.report.pk,
        "<str:item_id>": item.pk,
        "<str:answer_id>": Answer.objects.filter(question="words").get().pk,
        "<path:path>": "0/000",
        "<str:case_id>": case.pk,
        "<str:referral_id>": told.pk,
        "<int:number>": str(POSITION["control"]),
    }


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
        statuses = tuple(client.get(path).status_code for client in clients)
        assert statuses == MATRIX[name], name


def test_each_act_answers_each_role_as_the_matrix_says(ids: dict[str, str]) -> None:
    clients = _clients()
    found = {}
    for name in POSTED:
        path = ROUTES[name]
        for part, value in ids.items():
            path = path.replace(part, value)
        found[name] = tuple(client.post(path, {}, headers=ORIGIN).status_code for client in clients)
    assert found == POSTED


_NOT_FOR_THE_OFFICER = [
    ("decide", {"what": "accept"}),
    ("decide", {"what": "decline", "text": "x"}),
    ("decide", {"what": "out_of_scope", "text": "x"}),
    ("decide", {"what": "band", "band": "3", "text": "x"}),
    ("act", {"what": "note", "text": "x"}),
    ("act", {"what": "message", "text": "x"}),
    ("act", {"what": "move", "state": "assessment"}),
    ("act", {"what": "allow_files", "text": "x"}),
    ("prepare", {"legal_basis": "court_order", "words": "order 1"}),
    ("look", {"reason": "to see it"}),
    ("case", {}),
    ("tell_now", {"told_to": "a", "called_back": "b", "said": "c", "threat_to_life": "yes"}),
    ("referral", {"what": "review"}),
]


@pytest.mark.parametrize(("route", "form"), _NOT_FOR_THE_OFFICER, ids=lambda part: str(part)[:40])
def test_the_safeguarding_officer_does_no_case_work(
    ids: dict[str, str], route: str, form: dict[str, str]
) -> None:
    key = factories.partner_key(
        keys.new_secret(), by=factories.staff(), checked_by=factories.staff("supervisor")
    )
    path = ROUTES[f"office:{route}"]
    for part, value in ids.items():
        path = path.replace(part, value)
    before = CustodyEvent.objects.count()
    filled = {**form, "report": ids["<str:report_id>"], "partner_key": str(key.pk)}
    assert _clients()[3].post(path, filled, headers=ORIGIN).status_code == 403
    assert CustodyEvent.objects.count() == before


def test_a_case_page_is_closed_until_a_person_asks(ids: dict[str, str]) -> None:
    """GET tells what is stored unsealed and records nothing: reloading a page is no look."""
    worker = _clients()[1]
    path = f"/office/case/{ids['<str:case_id>']}/"
    before = CustodyEvent.objects.count()
    for address in (path, f"/office/look/{ids['<str:item_id>']}/", "/office/locked/", "/office/"):
        shown = worker.get(address).content.decode()
        assert factories.ADULT_EXTORTION["words"] not in shown
    assert CustodyEvent.objects.count() == before
    shown = worker.post(path, headers=ORIGIN).content.decode()
    assert factories.ADULT_EXTORTION["words"] in shown
    opened = CustodyEvent.objects.filter(event="report:opened")
    assert opened.count() == 1


@pytest.mark.parametrize("kind", ["item", "answer"])
def test_any_role_locks_a_thing_and_only_by_post(ids: dict[str, str], kind: str) -> None:
    thing = ids[f"<str:{kind}_id>"]
    path = f"/office/report/{ids['<str:report_id>']}/lock/"
    officer = _clients()[3]
    officer.get(path, {"thing": thing})
    assert not Quarantine.objects.exists()
    officer.post(path, {"thing": thing}, headers=ORIGIN)
    assert Quarantine.objects.get().thing == thing
    assert (
        Client()
        .post(path, {"thing": thing}, headers=ORIGIN)["Location"]
        .startswith("/office/account/")
    )


def test_nothing_of_another_report_is_taken_out(ids: dict[str, str]) -> None:
    client = Client()
    client.post("/back/", {"code": factories.draft().code}, headers=ORIGIN)
    answer = client.post(f"/more/answer/{ids['<str:answer_id>']}/out/", headers=ORIGIN)
    assert answer.status_code == 409
    item = client.post(f"/more/{ids['<str:item_id>']}/out/", headers=ORIGIN)
    assert item.status_code == 404
    assert Answer.objects.filter(pk=ids["<str:answer_id>"]).exists()


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


def test_only_the_account_pages_in_use_are_served() -> None:
    client = Client()
    client.force_login(person("somebody", "caseworker"))
    for name in (
        "signup/",
        "email/",
        "password/reset/",
        "password/set/",
        "2fa/totp/deactivate/",
        "2fa/recovery-codes/download/",
    ):
        assert client.get(f"/office/account/{name}").status_code == 404, name
    for name in ("password/change/", "2fa/", "reauthenticate/"):
        assert (
            "Holdfast</a>" in client.get(f"/office/account/{name}", follow=True).content.decode()
        ), name


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


@pytest.mark.parametrize("path", [page("safe"), "/back/", "/partner/package/"])
def test_a_form_with_a_file_is_refused_by_django_before_it_is_spooled(
    path: str, tmp_path: Path, settings: Any
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    answer = Client().post(
        path,
        {"files": SimpleUploadedFile("x.jpg", b"x" * 5_000_000), "answer": "yes"},
        headers=ORIGIN,
    )
    assert answer.status_code == 400
    assert "Nothing was changed." in answer.content.decode()
    assert list(tmp_path.glob("*.upload*")) == []


def test_a_form_of_another_site_changes_nothing() -> None:
    foreign: tuple[dict[str, str], ...]
    foreign = (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null", "referer": "http://localhost:8100/"},
        {"sec-fetch-site": "cross-site", "referer": "http://localhost:8100/"},
        {"referer": "http://localhost:8100.evil.example/"},
    )
    for headers in foreign:
        answer = Client().post(page("safe"), {"answer": "yes"}, headers=headers)
        assert answer.status_code == 403
        assert "came from our own page" in answer.content.decode()
    assert not Report.objects.exists()


def test_no_cookie_before_the_first_saved_answer_and_a_strict_one_after() -> None:
    client = Client()
    for path in ("/", "/before/", page("safe"), "/now/", "/back/"):
        assert not client.get(path).cookies
    assert not client.post(page("safe"), {}, headers=ORIGIN).cookies
    cookie = client.post(page("safe"), {"answer": "yes"}, headers=ORIGIN).cookies["__Host-notes"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        True,
        "Strict",
        "/",
    )


def test_reporter_pages_are_not_cached_and_load_nothing_from_elsewhere() -> None:
    for path in ("/", "/before/", page("safe"), "/now/", "/back/"):
        answer = Client().get(path)
        assert answer["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert len(answer.content) < 50_000


def test_leaving_ends_the_session_and_clears_the_browser() -> None:
    client = Client()
    client.post(page("safe"), {"answer": "yes"}, headers=ORIGIN)
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
    if typed != "unknown":
        assert f'value="{typed}"' in answer.content.decode()


def test_a_found_code_shows_only_what_is_new_unless_the_reporter_chose_otherwise() -> None:
    for chosen in ("no", "", "yes"):
        visit = factories.draft({**factories.ADULT_EXTORTION, "show_again": chosen})
        factories.file(visit, name="private name.jpg")
        intake.submit(visit)
        messages.write(visit, "an old message of the reporter")
        messages.post(visit.report, "what the office wrote", by=factories.staff().actor)
        finder = Client()
        finder.post("/back/", {"code": visit.code}, headers=ORIGIN)
        seen = "".join(
            finder.get(path).content.decode() for path in ("/mine/", "/more/", "/mine/who/")
        )
        assert "what the office wrote" in seen
        for private in ("an old message of the reporter", "private name.jpg"):
            assert (private in seen) == (chosen == "yes"), (chosen, private)
        assert factories.ADULT_EXTORTION["words"] not in seen
        later = Client()
        later.post("/back/", {"code": visit.code}, headers=ORIGIN)
        assert ("what the office wrote" in later.get("/mine/").content.decode()) == (
            chosen == "yes"
        )


def test_an_idle_page_refreshes_to_a_neutral_one_unless_it_has_a_text_field() -> None:
    refresh = 'http-equiv="refresh" content="300;url=/pause/"'
    for path, refreshes in (
        ("/", True),
        (page("safe"), True),
        (page("what"), True),
        (page("words"), False),
        ("/pause/", False),
    ):
        assert (refresh in Client().get(path).content.decode()) == refreshes, path
