"""A new person's first sign-in, and a new partner until something can be locked to its key."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases.models import Partner, PartnerKey
from cases.operations import totp
from cases.operations.seed import person
from cases.staff.models import StaffMember
from reporting.models import PartnerOffer
from reporting.vault import keys

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = {"origin": "http://localhost:8200"}


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
        "/office/account/2fa/totp/activate/",
        {"code": totp.code(secret, time.time())},
        headers=ORIGIN,
        follow=True,
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


def test_a_name_that_is_taken_is_said() -> None:
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

    def test_from_a_name_to_a_key_that_a_second_person_has_compared(
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

    def test_whoever_does_not_refer_does_not_come_here(self, desks: dict[str, Any]) -> None:
        assert desks["ruth"].get("/office/partners/").status_code == 403
        assert "Partners and their keys" not in desks["ruth"].get("/office/").content.decode()
