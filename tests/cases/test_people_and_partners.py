"""A new person's first sign-in, and a new partner until packages can be encrypted for its key."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client

from cases import partners
from cases.models import Partner, PartnerKey
from cases.operations.seed import person
from cases.staff.models import StaffMember
from reporting.models import PartnerOffer
from reporting.vault import keys
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8200"}


def digits(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_a_new_person_signs_in_sets_up_the_second_step_and_keeps_recovery_codes() -> None:
    out = io.StringIO()
    call_command("add_person", "nadia", role="supervisor", stdout=out)
    password = re.findall(r"shown once: (\S+)", out.getvalue())[0]
    client = Client()
    page = client.post(
        "/office/account/login/",
        {"login": "nadia", "password": password},
        headers=ORIGIN,
        follow=True,
    )
    assert "Is it you?" in page.content.decode()
    again = {"password": password, "next": "/office/account/2fa/totp/activate/"}
    page = client.post("/office/account/reauthenticate/", again, headers=ORIGIN, follow=True)
    assert "Set up your second step" in page.content.decode()
    assert "Waiting" not in client.get("/office/", follow=True).content.decode()
    wrong = client.post("/office/account/2fa/totp/activate/", {"code": "000000"}, headers=ORIGIN)
    assert "Incorrect code" in wrong.content.decode()
    secret = re.findall(r'class="mono">([A-Z2-7]{16,})<', wrong.content.decode())[0]
    page = client.post(
        "/office/account/2fa/totp/activate/", {"code": digits(secret)}, headers=ORIGIN, follow=True
    )
    text = page.content.decode()
    assert "10 of 10 are unused" in text
    assert "Holdfast</a>" in text
    (recovery, *_rest) = re.findall(r"<li>([0-9a-f]{8,})</li>", text)
    assert "Waiting" in client.get("/office/").content.decode()
    later = Client()
    page = later.post(
        "/office/account/login/",
        {"login": "nadia", "password": password},
        headers=ORIGIN,
        follow=True,
    )
    assert "Your second step" in page.content.decode()
    assert later.get("/office/").status_code == 302
    later.post("/office/account/2fa/authenticate/", {"code": recovery}, headers=ORIGIN)
    assert later.get("/office/").status_code == 200


def test_a_name_that_is_taken_is_refused() -> None:
    person("ines", "caseworker")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("add_person", "ines", role="caseworker")
    assert StaffMember.objects.get().role == "caseworker"


class TestPartners:
    @pytest.fixture
    def desks(self) -> dict[str, Any]:
        clients = {}
        for name, role in (
            ("ines", "caseworker"),
            ("samira", "supervisor"),
            ("ruth", "safeguarding"),
        ):
            clients[name] = Client()
            clients[name].force_login(person(name, role))
        return clients

    def does(self, client: Client, **fields: str) -> str:
        return client.post(
            "/office/partners/", fields, headers=ORIGIN, follow=True
        ).content.decode()

    def test_a_partner_is_added_and_a_second_person_compares_its_key(
        self, desks: dict[str, Any]
    ) -> None:
        given = {"what": "add", "name": "Northshire Police", "kind": "police", "phone": "0123"}
        assert "may not confirm a partner" in self.does(desks["ines"], **given, plain_words="x")
        assert "plain words that reporters read" in self.does(
            desks["samira"], **given, plain_words=" "
        )
        assert not Partner.objects.exists()
        assert "Added." in self.does(desks["samira"], **given, plain_words="You may stay nameless.")
        partner, offer = Partner.objects.get(), PartnerOffer.objects.get()
        assert (offer.partner, offer.plain_words) == (partner.pk, "You may stay nameless.")

        key = keys.public_key_of(keys.new_secret())
        assert "not an age public key" in self.does(
            desks["samira"], what="key", partner=partner.pk, public_key="ssh-ed25519 AAAA"
        )
        assert "before a second person" in self.does(
            desks["samira"], what="key", partner=partner.pk, public_key=f" {key} "
        )
        assert "is here already" in self.does(
            desks["ines"], what="key", partner=partner.pk, public_key=key
        )
        partner_key = PartnerKey.objects.get()
        assert "somebody else must compare it" in self.does(
            desks["samira"], check=str(partner_key.pk)
        )
        assert "may not confirm a partner" in self.does(desks["ines"], check=str(partner_key.pk))
        partner_key.refresh_from_db()
        assert partner_key.checked_at is None
        other = Client()
        other.force_login(person("second", "supervisor"))
        assert "Packages can be locked to it now" in self.does(other, check=str(partner_key.pk))

    def test_the_page_is_refused_to_roles_that_do_not_refer(self, desks: dict[str, Any]) -> None:
        assert desks["ruth"].get("/office/partners/").status_code == 403
        assert "Partners and their keys" not in desks["ruth"].get("/office/").content.decode()


def test_a_key_is_compared_by_a_second_person() -> None:
    worker, supervisor = factories.staff(), factories.staff("supervisor")
    partner = factories.partner_key(keys.new_secret(), by=worker, checked_by=supervisor).partner
    mine = partners.add_key(partner, keys.public_key_of(keys.new_secret()), by=supervisor)
    with pytest.raises(PermissionDenied):
        partners.check_key(mine, by=supervisor)
    with pytest.raises(partners.NotAnAgeKey):
        partners.add_key(partner, "age1nonsense", by=supervisor)
