"""Start-up checks: each refusal, provoked once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from cases.operations import ceremony, certificates
from cases.previews import sandbox
from config import checks, env

UNSET = Path("/not-set/X")


@pytest.fixture
def door(settings: Any) -> Any:
    """Settings of a clean public door: no key but its own."""
    for name in checks._HELD_BY:
        setattr(settings, name, UNSET)
    settings.DOORS = frozenset({"public"})
    return settings


def _ids(found: list[Any]) -> set[str]:
    return {message.id for message in found}


def test_a_clean_door_starts(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(door.DATABASES["default"], "USER", "holdfast_public")
    assert checks.keys_lie_where_they_belong() == []
    assert checks.one_role_for_each_door() == []


@pytest.mark.parametrize(
    "name", [name for name, holders in checks._HELD_BY.items() if "public" not in holders]
)
def test_a_public_door_that_sees_a_key_of_others_does_not_start(
    door: Any, name: str, tmp_path: Path
) -> None:
    setattr(door, name, tmp_path / "key")
    assert _ids(checks.keys_lie_where_they_belong()) == {"holdfast.E001"}


def test_a_door_with_anothers_database_role_does_not_start(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(door.DATABASES["default"], "USER", "holdfast_staff")
    assert _ids(checks.one_role_for_each_door()) == {"holdfast.E002"}


@pytest.mark.django_db
def test_a_door_that_is_a_superuser_does_not_start(door: Any) -> None:
    assert _ids(checks.no_role_can_go_round_its_grants()) == {"holdfast.E003"}


def test_a_missing_part_of_the_system_is_said_and_stops_nothing(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.DOORS = frozenset({"worker", "staff"})
    monkeypatch.setattr(checks, "find_library", lambda name: None)
    monkeypatch.setattr(sandbox, "available", lambda: False)
    found = checks.parts_of_the_system_are_there()
    assert _ids(found) == {"holdfast.W001", "holdfast.W002"}
    assert not any(message.is_serious() and message.level >= 40 for message in found)


@pytest.mark.parametrize(
    ("hours", "says"), [(30 * 24, None), (13 * 24, "runs out in 12 days"), (-0.05, "has run out")]
)
def test_a_certificate_that_runs_out_is_said_in_time_and_stops_nothing(
    door: Any,
    held: ceremony.Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    says: str | None,
) -> None:
    monkeypatch.setitem(
        certificates.KINDS,
        "receipt",
        replace(certificates.KINDS["receipt"], life=timedelta(hours=hours)),
    )
    certificates.CertificateAuthority.load(held.folder).issue(tmp_path, "receipt")
    door.RECEIPT_CERTIFICATE_FILE = tmp_path / "receipt.pem"
    door.PACKAGE_CERTIFICATE_FILE = door.TSA_CERTIFICATE_FILE = UNSET
    found = checks.certificates_last()
    assert [says in message.msg for message in found if says] == ([True] if says else [])
    assert len(found) == bool(says)
    assert not any(message.level >= 40 for message in found)


class TestProduction:
    @pytest.fixture(autouse=True)
    def production(self, door: Any, tmp_path: Path) -> None:
        door.PRODUCTION = True
        door.OFFICE_PUBLIC_KEYS_FILE = tmp_path / "public_keys"
        door.OFFICE_PUBLIC_KEYS_FILE.write_text("age1one\nage1two\n")

    def test_complete(self) -> None:
        assert checks.production_is_complete() == []

    def test_one_office_recipient_is_too_few(self, door: Any) -> None:
        door.OFFICE_PUBLIC_KEYS_FILE.write_text("age1one\n")
        assert _ids(checks.production_is_complete()) == {"holdfast.E004"}

    def test_who_is_told_must_not_be_blank(self, door: Any) -> None:
        door.OPERATOR_TOLD_WITHOUT_AGREEMENT = ""
        assert _ids(checks.production_is_complete()) == {"holdfast.E005"}

    def test_the_office_has_a_name(self, door: Any) -> None:
        door.OPERATOR_NAME = ""
        assert _ids(checks.production_is_complete()) == {"holdfast.E006"}

    def test_the_staff_door_has_a_secret_of_its_own_and_a_process_of_its_own(
        self, door: Any
    ) -> None:
        door.DOORS = frozenset({"public", "staff"})
        door.SECRET_KEY = "short"
        assert _ids(checks.production_is_complete()) == {"holdfast.E007", "holdfast.E008"}


@pytest.mark.parametrize("value", ["6", "-1", "thirty", "7.5"])
def test_a_number_that_is_none_or_too_small_is_said_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("DRAFT_DAYS", value)
    with pytest.raises(
        ImproperlyConfigured, match="DRAFT_DAYS should be a whole number, 7 or more"
    ):
        env.integer("DRAFT_DAYS", 30, least=7)
