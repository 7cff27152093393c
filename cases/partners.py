"""Partners, and the age public keys that packages are encrypted for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from cases.models import Partner, PartnerKey
from cases.models.partner import partner_id
from cases.staff.models import StaffMember
from cases.staff.roles import May
from reporting.models import PartnerOffer
from reporting.vault import keys

KEY_LASTS = timedelta(days=365)


class NotAnAgeKey(ValueError):
    """The text is not an age X25519 public key, or it is registered already."""


class WordsMissing(ValueError):
    """Name, kind or plain words are missing: reporters could not be asked about this partner."""


def add(
    name: str, kind: str, *, plain_words: str, reviewed_on: date, phone: str = "", by: StaffMember
) -> Partner:
    """Create a partner, and the reviewed plain words with which reporters are asked about it.

    `kind`: one of Partner.Kind. Raises PermissionDenied, WordsMissing.
    """
    by.check_may(May.CHECK_PARTNER_KEYS)
    name, plain_words = name.strip(), plain_words.strip()
    if not (name and plain_words and kind in Partner.Kind.values):
        raise WordsMissing(
            "Please give a name, what it is, and the plain words that reporters read."
        )
    with transaction.atomic():
        partner = Partner.objects.create(id=partner_id(), name=name, kind=kind, phone=phone.strip())
        PartnerOffer.objects.create(
            partner=partner.pk, name=name, plain_words=plain_words, reviewed_on=reviewed_on
        )
    return partner


def add_key(
    partner: Partner, public_key: str, *, expires_at: datetime | None = None, by: StaffMember
) -> PartnerKey:
    """Register an age X25519 public key ("age1…"), valid for KEY_LASTS unless told otherwise.

    It cannot be used before a second person has checked it. Raises PermissionDenied, NotAnAgeKey.
    """
    by.check_may(May.PREPARE_REFERRALS)
    public_key = public_key.strip()
    try:
        keys.check_public_key(public_key)
    except keys.NotAKey:
        raise NotAnAgeKey("That is not an age public key (it begins with age1).") from None
    if keys.is_hybrid(public_key):
        raise NotAnAgeKey(
            "That is a post-quantum key, which two people cannot compare by telephone: "
            "ask for one of 62 characters."
        )
    if PartnerKey.objects.filter(public_key=public_key).exists():
        raise NotAnAgeKey("This key is here already: each partner has keys of its own.")
    return PartnerKey.objects.create(
        partner=partner,
        public_key=public_key,
        added_by=by,
        expires_at=expires_at or timezone.now() + KEY_LASTS,
    )


def check_key(partner_key: PartnerKey, *, by: StaffMember) -> None:
    """A second person has compared the key with the partner through another channel, such as a
    call to a known number. Raises PermissionDenied, also for the person who added the key."""
    by.check_may(May.CHECK_PARTNER_KEYS)
    if partner_key.added_by_id == by.pk:
        raise PermissionDenied(
            "You added this key, so somebody else must compare it with the partner."
        )
    PartnerKey.objects.filter(pk=partner_key.pk, checked_at=None).update(
        checked_by=by, checked_at=timezone.now()
    )
    partner_key.refresh_from_db()
