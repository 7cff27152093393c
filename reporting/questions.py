"""The questions of the form, as data, in the order in which they are asked. All can be skipped.

Wording is part of the evidence: what was shown is kept with each answer, so a change here never
changes an old report.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext_lazy as _

from reporting import harms
from reporting.harms.base import Words


class Kind(Enum):
    ONE = "one"
    MANY = "many"
    TEXT = "text"
    PAGE = "page"  # a page of its own: links, accounts, files


@dataclass(frozen=True)
class Choice:
    value: str
    label: Words
    hint: Words = ""


@dataclass(frozen=True)
class Question:
    key: str
    kind: Kind
    text: Words
    why: Words
    choices: tuple[Choice, ...] = ()
    rows: int = 4
    later: bool = True  # may be answered, or answered anew, after sending
    shared: frozenset[str] = (
        frozenset()
    )  # export profiles whose partners get the answer: by default none
    kept_back: str = "not for partners"  # why a partner does not get it
    decides_about_files: bool = (
        False  # read by the age gate: every version stays, also before sending
    )


_PARTNERS = frozenset({"le-full"})
TEXT_LIMIT = 1_000_000  # characters in one answer or message
LINES_LIMIT = 2_000  # links or accounts in one answer
NOT_SURE = Choice("not_sure", _("I am not sure"))

ALL: tuple[Question, ...] = (
    Question(
        "safe",
        Kind.ONE,
        _("Are you safe right now?"),
        _("If you are not, we show you first who can help this minute."),
        (Choice("yes", _("Yes")), Choice("no", _("No")), NOT_SURE),
        kept_back="asked for safety at the time of reporting",
    ),
    Question(
        "control",
        Kind.ONE,
        _("Can someone else look at your phone, keep your papers or money, or stop you leaving?"),
        _("If so, we ask nothing of you that this person could notice."),
        (Choice("yes", _("Yes")), Choice("no", _("No")), NOT_SURE),
        kept_back="asked for safety at the time of reporting",
    ),
    Question(
        "who",
        Kind.ONE,
        _("Who did this happen to?"),
        _("So that the next questions fit."),
        (
            Choice("me", _("Me")),
            Choice("child", _("My child, or a child I look after")),
            Choice("known", _("Someone I know")),
            Choice("client", _("Someone I support in my work")),
            Choice("bystander", _("Someone I do not know")),
        ),
        decides_about_files=True,
        shared=_PARTNERS,
    ),
    Question(
        "age",
        Kind.ONE,
        _("How old is the person it happened to?"),
        _("Children have special protection, and the law has special rules for pictures of them."),
        (
            Choice("under_13", _("Under 13")),
            Choice("13_15", _("13 to 15")),
            Choice("16_17", _("16 or 17")),
            Choice("adult", _("18 or older")),
            NOT_SURE,
        ),
        decides_about_files=True,
        shared=_PARTNERS,
    ),
    Question(
        "what",
        Kind.MANY,
        _("What is happening?"),
        _("Choose all that fit. If nothing fits, use your own words on the next page."),
        tuple(Choice(harm.code, harm.title, harm.hint) for harm in harms.ALL),
        decides_about_files=True,
        shared=_PARTNERS,
    ),
    Question(
        "words",
        Kind.TEXT,
        _("Tell us in your own words, as much or as little as you like"),
        _("No special words are needed. A few lines are enough. You can add more later."),
        rows=8,
        shared=_PARTNERS,
    ),
    Question(
        "deadline",
        Kind.TEXT,
        _("Did they set a time limit or ask for something?"),
        _(
            "For example: by when, how much, which pictures, whom they want to tell. It helps us "
            "to see what is urgent."
        ),
        rows=3,
        shared=_PARTNERS,
    ),
    Question(
        "links",
        Kind.PAGE,
        _("Where can it be seen?"),
        _("One web address per line, each as long as it is."),
    ),
    Question(
        "accounts",
        Kind.PAGE,
        _("Who is doing it?"),
        _(
            "Names, user names, phone numbers, mail addresses, wallets: one per line. We never "
            "contact them."
        ),
    ),
    Question(
        "files",
        Kind.PAGE,
        _("Would you like to send files?"),
        _("Screenshots, chats, receipts, recordings."),
    ),
    Question(
        "told",
        Kind.TEXT,
        _("Have you told anyone already, and did they give you a number?"),
        _("Police, a hotline, a platform, a school. So that nobody has to ask you twice."),
        rows=3,
        shared=_PARTNERS,
    ),
    Question(
        "wish",
        Kind.MANY,
        _("What would you like to happen?"),
        _("You can change your mind at any time."),
        (
            Choice("stop", _("That it stops")),
            Choice("remove", _("That pictures are taken down")),
            Choice("police", _("That the police know")),
            Choice("talk", _("To talk to someone")),
            Choice("record", _("Only to have it kept safe")),
        ),
        kept_back="wishes toward this office",
    ),
    Question(
        "contact",
        Kind.TEXT,
        _("Is there a safe way to reach you?"),
        _(
            "How, at what times, and what we may say if someone else answers. Leave it empty and "
            "we never contact you: "
            "you come back here with your code when you like."
        ),
        rows=3,
        kept_back="the reporter is reached through this office only",
    ),
    Question(
        "show_again",
        Kind.ONE,
        _("When you come back with your code, should it show what you wrote?"),
        _(
            "If someone else could find your code, better not: then it shows only what is new, "
            "and not what you told us or whom you said yes to. "
            "Without an answer we do that too."
        ),
        (Choice("yes", _("Yes, show me everything")), Choice("no", _("No, only what is new"))),
        later=False,  # or whoever finds the code could open what was to stay closed
        kept_back="a setting of the reporter's own view",
    ),
)
# Asked for each group of files, on the page for files.
SHOWN_ADULT = Question(
    "shown_adult",
    Kind.ONE,
    _("Were all people in these pictures or videos 18 or older when they were made?"),
    _("We never take pictures or videos of anybody who was or may have been under 18."),
    (
        Choice("yes", _("Yes, everyone was 18 or older, or nobody can be seen")),
        Choice("no", _("No")),
        NOT_SURE,
    ),
    decides_about_files=True,
    shared=_PARTNERS,
)
BY_KEY = {question.key: question for question in (*ALL, SHOWN_ADULT)}
POSITION = {question.key: number for number, question in enumerate(ALL, start=1)}


def after(key: str) -> Question | None:
    """The next question, or None when the answers are to be checked."""
    position = POSITION[key]
    return ALL[position] if position < len(ALL) else None
