"""Who gets into the staff door, and what its tables give a thief."""

from __future__ import annotations

import base64
import hashlib
import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from cases.operations.seed import PASSWORD_WORDS, person
from cases.staff.cache import DatabaseCache
from cases.staff.models import StaffCacheEntry, StaffSession
from cases.staff.sessions import SessionStore
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8200"}
LOGIN = "/office/account/login/"


def _api(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page that nobody remembered to protect")


urlpatterns = [
    path("api/", _api, name="api"),
    path("office/account/", include("allauth.account.urls")),
    path("office/account/2fa/", include("allauth.mfa.urls")),
]


def test_a_view_is_closed_until_it_says_that_it_is_open(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    nobody, half, whole = Client(), Client(), Client()
    half.force_login(factories.staff())
    whole.force_login(person("somebody", "caseworker"))
    assert nobody.get("/api/").headers["Location"] == LOGIN
    assert half.get("/api/").headers["Location"].endswith("/2fa/totp/activate/")
    assert whole.get("/api/").status_code == 200


def _readable(data: str) -> bytes:
    """What a thief makes of a stored session: as it is, and as Django's own engine would have
    stored it."""
    found = data.encode()
    payload = data.split(":")[0].lstrip(".")
    try:
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return found + decoded + zlib.decompress(decoded)
    except (ValueError, zlib.error):
        return found


def test_the_second_factors_seed_is_not_at_rest_in_the_clear_while_it_is_set_up(
    settings: Any,
) -> None:
    settings.OWN_ORIGINS = ["http://localhost:8200"]
    name, client = factories.staff().username, Client()
    client.post(LOGIN, {"login": name, "password": "a long enough password"}, headers=ORIGIN)
    again = {"password": "a long enough password"}
    client.post("/office/account/reauthenticate/", again, headers=ORIGIN)
    page = client.get("/office/account/2fa/totp/activate/").content.decode()
    seed = client.session["mfa.totp.secret"]
    assert seed in page.replace(" ", "")
    (row,) = StaffSession.objects.all()
    assert seed.encode() not in _readable(row.data)


def test_the_search_would_find_a_seed_that_is_only_encoded() -> None:
    stored = signing.dumps({"mfa.totp.secret": "SEED" * 8}, compress=True)
    assert b"SEEDSEED" in _readable(stored)


def test_a_session_is_found_by_its_cookie_and_not_by_what_is_stored() -> None:
    session = SessionStore()
    session["word"] = "kept"
    session.save()
    assert session.session_key
    (row,) = StaffSession.objects.all()
    assert row.key_hash == hashlib.sha256(session.session_key.encode()).hexdigest()
    assert SessionStore(session.session_key)["word"] == "kept"
    assert SessionStore(row.key_hash).load() == {}
    SessionStore(session.session_key).delete()
    assert not StaffSession.objects.exists()


def test_an_old_session_and_one_of_another_key_are_no_session(settings: Any, tmp_path: Any) -> None:
    session = SessionStore()
    session["word"] = "kept"
    session.save()
    other_key = tmp_path / "other.key"
    other_key.write_text(base64.urlsafe_b64encode(b"k" * 32).decode())
    here = settings.STAFF_SECRET_KEY_FILE
    settings.STAFF_SECRET_KEY_FILE = other_key
    assert SessionStore(session.session_key).load() == {}
    settings.STAFF_SECRET_KEY_FILE = here
    assert SessionStore(session.session_key).load() == {"word": "kept"}
    StaffSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert SessionStore(session.session_key).load() == {}


def test_data_copied_into_ones_own_row_signs_nobody_in_as_somebody_else() -> None:
    thief, victim = Client(), Client()
    thief.force_login(person("thief", "caseworker"))
    victim.force_login(person("victim", "supervisor"))
    assert thief.get("/office/").status_code == 200
    rows = {client: _row(client) for client in (thief, victim)}
    StaffSession.objects.filter(pk=rows[thief].pk).update(data=rows[victim].data)
    assert thief.get("/office/").headers["Location"] == LOGIN


def _row(client: Client) -> StaffSession:
    cookie = client.cookies["__Host-office"].value
    return StaffSession.objects.get(pk=hashlib.sha256(cookie.encode()).hexdigest())


def test_wrong_tries_for_one_name_lock_that_name_and_no_other(settings: Any) -> None:
    settings.OWN_ORIGINS = ["http://localhost:8200"]
    person("unlucky", "caseworker")
    person("other", "caseworker")

    def sign_in(name: str, password: str) -> int:
        form = {"login": name, "password": password}
        return Client().post(LOGIN, form, headers=ORIGIN).status_code

    for _ in range(20):
        sign_in("unlucky", "a wrong password")

    assert sign_in("unlucky", PASSWORD_WORDS) == 200, "the name is locked"
    assert sign_in("other", PASSWORD_WORDS) == 302, "the other signs in"


class TestCache:
    def test_two_processes_share_what_one_has_noted(self) -> None:
        here, there = DatabaseCache("", {}), DatabaseCache("", {})
        assert here.add("code 123456", "y", timeout=30)
        assert not there.add("code 123456", "n", timeout=30)
        assert there.get("code 123456") == "y"
        there.set("tries", [1.5, 2.5], timeout=30)
        assert here.get("tries") == [1.5, 2.5]
        assert here.delete("tries")
        assert there.get("tries", "none") == "none"

    def test_what_has_run_out_is_gone_and_may_be_added_again(self) -> None:
        cache = DatabaseCache("", {})
        cache.set("tries", [1], timeout=30)
        assert cache.touch("tries", timeout=60)
        StaffCacheEntry.objects.update(expires_at=timezone.now())
        assert cache.get("tries") is None
        assert not cache.touch("tries")
        assert cache.add("tries", [2])
        cache.set("others", 1)
        StaffCacheEntry.objects.update(expires_at=timezone.now())
        cache.set("new", 1)
        assert StaffCacheEntry.objects.count() == 1

    def test_it_is_the_cache_that_sign_in_uses(self) -> None:
        assert isinstance(caches["default"], DatabaseCache)
        caches["default"].set("a", "b")
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM staff_staffcacheentry")
            assert cursor.fetchall() == [('"b"',)]
