"""Every act that the custody ledger knows: who may record it, what it opens, who reads its detail,
and its words.

From this one list come the ledger's allow-list (table `custody_act`), the events the opener gives a
key for, the words of the timeline, what the reporter is told, which details a partner gets (by
default none), and the tables of acts in `custody/README.md`. Plain data at the bottom of the house:
it imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Promise | str


class Thing(Enum):
    """What an act is about, by the first letter of its id. The acts about a report, a case, either
    (KEYED) or the opener are about the subject of their chain itself."""

    REPORT = "R"
    CASE = "C"
    ANSWER = "A"
    ITEM = "E"
    MESSAGE = "M"
    CONSENT = "K"
    NOTE = "T"
    REFERRAL = "F"
    BAND = "B"
    OPENER = "O"
    KEYED = "RC"  # a report or a case: what has a key of its own
    GIVEN = "AEM"  # an answer, item or message: what can be quarantined


@dataclass(frozen=True)
class Act:
    """`doors`: the database roles that may record it. `about`: the kind of thing its object names.

    `keeps`: a row of that id and hash is stored in the same transaction, and the database refuses
    one without the other. `signed`: at the public door its detail carries the reporter's signature.
    `opens`: the opener gives a key for it, once. `partner_sees`: its detail may leave in a package.
    `reporter_sees`: the words in the reporter's list of who looked and what was done; None: not in
    that list.
    """

    name: str
    doors: frozenset[str]
    words: Words
    about: Thing = Thing.REPORT
    keeps: bool = False
    signed: bool = False
    opens: bool = False
    partner_sees: bool = False
    reporter_sees: Words | None = None


def _doors(names: str) -> frozenset[str]:
    return frozenset(names.split())


_R, _C, _A, _E = Thing.REPORT, Thing.CASE, Thing.ANSWER, Thing.ITEM
_M, _K, _T, _F = Thing.MESSAGE, Thing.CONSENT, Thing.NOTE, Thing.REFERRAL
_PUBLIC, _STAFF, _WORKER, _PARTNER = (
    _doors(name) for name in ("public", "staff", "worker", "partner")
)
_OFFICE = _STAFF | _WORKER

# fmt: off
ALL: tuple[Act, ...] = (
    # the reporter
    Act("report:started", _PUBLIC, _("began a report"), partner_sees=True),
    Act("answer:saved", _PUBLIC, _("answered a question"), _A, keeps=True, signed=True),
    Act("answer:taken_out", _PUBLIC, _("took an answer out before sending"), _A, signed=True),
    Act("evidence:acquired", _PUBLIC, _("gave a file, link or account"), _E, keeps=True,
        signed=True,
        partner_sees=True),
    Act("evidence:taken_out", _PUBLIC, _("took something out before sending"), _E, signed=True,
        partner_sees=True),
    Act("report:submitted", _PUBLIC, _("sent the report"), signed=True, partner_sees=True),
    Act("report:opened_by_reporter", _PUBLIC, _("came back with the code"), signed=True,
        partner_sees=True),
    Act("looks:shown", _PUBLIC, _("saw who had looked"), signed=True),
    Act("consent:answered", _PUBLIC, _("answered who may be told"), _K, keeps=True, signed=True,
        partner_sees=True),
    # both sides
    Act("message:posted", _PUBLIC | _STAFF, _("wrote a message"), _M, keeps=True, signed=True,
        reporter_sees=_("wrote to you")),
    Act("message:read", _PUBLIC | _STAFF, _("read the messages"), signed=True),
    Act("evidence:quarantined", _PUBLIC | _OFFICE, _("quarantined something that may show a child"),
        Thing.GIVEN, partner_sees=True, reporter_sees=_("locked something: a child may be shown")),
    # evidence in the office
    Act("files:allowed", _STAFF, _("said that files may be taken after all"),
        reporter_sees=_("said that files may be taken after all")),
    Act("evidence:measured", _WORKER, _("opened it to take the hashes of its files"), opens=True,
        reporter_sees=_("took the hashes of your files")),
    Act("evidence:verified", _WORKER, _("checked a file against its hash"), _E, partner_sees=True),
    Act("evidence:integrity_failed", _WORKER, _("found a file that does not match its hash"), _E,
        partner_sees=True),
    Act("evidence:revealed", _STAFF, _("looked at a file"), _E, opens=True, partner_sees=True,
        reporter_sees=_("looked at a file")),
    Act("quarantine:proposed", _STAFF, _("proposed what to do with something locked"),
        Thing.GIVEN),
    Act("quarantine:opened", _STAFF, _("read why something locked is to be decided about"),
        Thing.GIVEN, opens=True,
        reporter_sees=_("read why something locked is to be decided about")),
    *(Act(f"quarantine:{decision}", _STAFF, words, Thing.GIVEN, partner_sees=True,
          reporter_sees=_("decided about something locked"))
      for decision, words in (
          ("released", _("confirmed that something locked is released")),
          ("preserved", _("confirmed that something locked is preserved and stays closed")),
          ("destroyed", _("confirmed that something locked is destroyed")))),
    # triage
    Act("report:assessed", _WORKER, _("opened it to sort it"), opens=True,
        reporter_sees=_("sorted it by urgency")),
    Act("report:banded", _WORKER, _("sorted it by urgency"), Thing.BAND),
    Act("report:band_changed", _STAFF, _("changed the band"), Thing.BAND),
    Act("report:taken", _STAFF, _("began to read")),
    Act("report:opened", _STAFF, _("read the report"), opens=True,
        reporter_sees=_("read your report")),
    Act("report:accepted", _STAFF, _("took it on"), reporter_sees=_("took it on")),
    Act("report:joined", _STAFF, _("joined it to this case"), reporter_sees=_("took it on")),
    Act("report:declined", _STAFF, _("declined it"), reporter_sees=_("decided and wrote to you")),
    Act("report:out_of_scope", _STAFF, _("said that it is out of scope"),
        reporter_sees=_("decided and wrote to you")),
    Act("report:news_read", _STAFF, _("read what was added")),
    Act("report:not_sent", _WORKER, _("set it aside: its reporter did not send it"),
        reporter_sees=_("set it aside: it was marked as sent, and not by you")),
    Act("report:expired", _WORKER, _("forgot a draft that nobody had touched for long")),
    # the office key
    Act("wrap:renewed", _WORKER, _("opened it to wrap its key anew"), Thing.KEYED,
        opens=True,
        reporter_sees=_("renewed the locks")),
    Act("wrap:checked", _WORKER, _("opened it with the new office key alone"), Thing.KEYED,
        opens=True,
        reporter_sees=_("renewed the locks")),
    Act("wrap:added", _WORKER, _("wrapped its key for new office keys"), Thing.KEYED),
    Act("wrap:dropped", _WORKER, _("dropped the old wraps"), Thing.KEYED),
    # the case
    Act("case:started", _STAFF, _("opened the case"), _C),
    Act("case:report_accepted", _STAFF, _("took a report on"), _C),
    Act("case:report_joined", _STAFF, _("joined a report"), _C),
    Act("case:moved", _STAFF, _("moved the case on"), _C),
    Act("case:opened", _STAFF, _("read the notes"), _C, opens=True),
    Act("note:added", _STAFF, _("wrote a note"), _T, keeps=True),
    # handing over: on the report's chain and on the case's
    Act("referral:prepared", _STAFF, _("prepared a referral"), _F, partner_sees=True),
    Act("referral:opened", _STAFF, _("read what is to go"), _F, opens=True,
        reporter_sees=_("read what is to go to {partner}")),
    Act("referral:approved", _STAFF, _("approved a referral"), _F, partner_sees=True),
    Act("package:built", _WORKER, _("opened it to pack it"), _F, opens=True, partner_sees=True,
        reporter_sees=_("packed what goes to {partner}")),
    Act("package:signed", _WORKER, _("signed the package and encrypted it for the partner"), _F),
    Act("package:collected", _PARTNER, _("collected the package"), _F),
    Act("package:carried", _STAFF, _("took the encrypted package to carry it"), _F),
    Act("referral:disclosed", _STAFF, _("handed the package over"), _F),
    Act("report:disclosed", _STAFF, _("gave it to a partner"), _F, partner_sees=True,
        reporter_sees=_("gave it to {partner}")),
    Act("referral:closed", _OFFICE, _("closed a collection: something in it was locked"), _F),
    Act("referral:taken_back", _WORKER, _("noticed that the yes was taken back"), _F),
    Act("report:taken_back", _WORKER, _("closed what was waiting for a partner"), _F,
        reporter_sees=_("closed what was waiting for {partner}")),
    Act("referral:recalled", _STAFF, _("told the partner that the yes was taken back"), _F),
    Act("report:recalled", _STAFF, _("told a partner that the yes was taken back"), _F,
        reporter_sees=_("told {partner} that you took back your yes")),
    Act("referral:answered", _PARTNER | _STAFF, _("answered"), _F, partner_sees=True),
    # threat to life
    Act("emergency:told", _STAFF, _("told the emergency services"), _F),
    Act("report:told_in_emergency", _STAFF, _("told the emergency services"), _F,
        reporter_sees=_("told the emergency services, because a life was in danger")),
    Act("emergency:reviewed", _STAFF, _("reviewed the emergency"), _F),
    # the opener, on its own chain
    Act("key:given", _doors("opener"), _("gave the key for an opening"), Thing.OPENER),
)
# fmt: on
BY_NAME = {act.name: act for act in ALL}


def words(name: str) -> str:
    """What the actor did, in words a caseworker reads; the name itself of an unknown act."""
    return str(BY_NAME[name].words) if name in BY_NAME else name


OPENING = frozenset(act.name for act in ALL if act.opens)
SIGNED = frozenset(act.name for act in ALL if act.signed)
KEEPING = frozenset(act.name for act in ALL if act.keeps)
