"""Demo data: staff, partners, and reports with files that are drawn here."""

from __future__ import annotations

import io
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from PIL import Image, ImageDraw

from cases import partners
from cases.operations import totp
from cases.operations.acting import acting_as
from cases.staff.models import StaffMember
from reporting import intake, questions, sessions
from reporting.models import EvidenceItem
from reporting.vault import codes, keys

PASSWORD_WORDS = "demo office pass phrase"  # noqa: S105  printed on the screen; demo data only
STAFF = (
    ("ines", "caseworker"),
    ("tom", "caseworker"),
    ("samira", "supervisor"),
    ("ruth", "safeguarding"),
)
PLAIN_WORDS = (
    "You may stay nameless with them at first; later they may ask for your name, "
    "and you can say no.\n"
    "They do not tell family or immigration. You are not in trouble for what others did to you.\n"
    "They do not take your phone without asking. You can stop it at any time."
)


def everything(partner_keys: Path) -> dict[str, Any]:
    """Run once on an empty database. `partner_keys`: the folder for the partners' private keys.

    Returns what the demo prints: `staff` (name → TOTP secret), `password` and `codes`.
    """
    staff = {name: person(name, role) for name, role in STAFF}
    partner_keys.mkdir(parents=True, exist_ok=True)
    with acting_as("staff"):
        _partner("Northshire Police, online crime", "police", partner_keys, staff)
        _partner("Harbour Hotline", "hotline", partner_keys, staff)
    with acting_as("public"):
        reports = [codes.grouped(_report(answers, files).code) for answers, files in _reports()]
    return {
        "staff": {name: secret_of(user) for name, user in staff.items()},
        "password": PASSWORD_WORDS,
        "codes": reports,
    }


def person(name: str, role: str) -> StaffMember:
    """A member of staff whose second factor is set up. `role`: a key of roles.ALL."""
    user = StaffMember.objects.create_user(name, password=PASSWORD_WORDS, role=role)
    secret = get_adapter().encrypt(totp.new_secret())
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": secret})
    return user


def secret_of(user: StaffMember) -> str:
    """The TOTP secret in base32."""
    data = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP).data
    return str(get_adapter().decrypt(data["secret"]))


def _partner(name: str, kind: str, folder: Path, staff: dict[str, StaffMember]) -> None:
    secret = keys.new_secret()
    path = folder / f"{kind}.age-key"
    path.touch(mode=0o600)
    path.write_text(secret)
    partner = partners.add(
        name, kind, plain_words=PLAIN_WORDS, reviewed_on=date(2026, 11, 1), by=staff["samira"]
    )
    key = partners.add_key(partner, keys.public_key_of(secret), by=staff["ines"])
    partners.check_key(key, by=staff["samira"])


def _report(answers: dict[str, Any], files: dict[str, bytes]) -> sessions.Visit:
    visit = intake.start(language="en").visit
    texts = {"links": EvidenceItem.Kind.LINK, "accounts": EvidenceItem.Kind.ACCOUNT}
    for key, value in answers.items():
        if key in texts:
            intake.add_lines(visit, texts[key], value)
        else:
            intake.answer(visit, questions.BY_KEY[key], value)
    if files:
        group = intake.open_file_group(visit, "yes")
        for name, data in files.items():
            intake.add_file(visit, group, name, [data])
    intake.submit(visit)
    return visit


def _reports() -> list[tuple[dict[str, Any], dict[str, bytes]]]:
    """The answers (question → value) and the files (name → bytes) of each report."""
    return [
        (
            {
                "safe": "yes",
                "control": "no",
                "who": "me",
                "age": "adult",
                "what": ["financial_extortion"],
                "words": (
                    "I met someone on a dating app. After a video call they sent me a recording "
                    "and a list of my friends. They want 500 or they send it to all of them. "
                    "I already paid 120."
                ),
                "deadline": "500 by Friday evening, gift cards",
                "accounts": ["@lena.summer_98 (Instagram)", "+44 7700 900123"],
                "links": ["https://social.example/lena.summer_98?id=100087712345678"],
                "told": "Nobody yet",
                "wish": ["stop", "police"],
                "contact": "Only through this page, please. My flatmate reads my mail.",
            },
            {
                "screenshot of the threat.jpg": photo("500 by Friday or I send it"),
                "chat export.txt": chat(),
                "call.webp": clip(),
            },
        ),
        (
            {
                "safe": "not_sure",
                "control": "yes",
                "who": "me",
                "age": "adult",
                "what": ["stalking", "content_extortion"],
                "words": (
                    "My ex still gets into my mail. He knows where I was yesterday. "
                    "He says he will post the pictures if I do not come back."
                ),
                "deadline": "He wants me to come back by Sunday",
            },
            {},
        ),
        (
            {
                "safe": "no",
                "control": "not_sure",
                "who": "child",
                "age": "13_15",
                "what": ["grooming"],
                "words": (
                    "My daughter (14) is chatting with a man "
                    "who wants to meet tomorrow after school."
                ),
                "accounts": ["darkwolf_2 on a game chat"],
            },
            {},
        ),
        (
            {
                "safe": "yes",
                "who": "me",
                "age": "adult",
                "what": ["image_shared"],
                "words": (
                    "Pictures from my old relationship are on three pages. I never agreed to that."
                ),
                "links": [
                    f"https://pictures.example/gallery/{number}" for number in (4711, 4712, 9001)
                ],
                "wish": ["remove"],
            },
            {
                "letter to the site.pdf": pdf(
                    "Please remove these pages. I never agreed to their publication."
                )
            },
        ),
        (
            {
                "words": (
                    "I do not know what to choose. "
                    "Something happened in a video chat and I feel sick about it."
                )
            },
            {},
        ),
    ]


def photo(words: str) -> bytes:
    """A JPEG with EXIF, like a phone's screenshot of a chat."""
    picture = Image.new("RGB", (1080, 1440), "#24303a")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate((words, "you have 2 days", "dont tell anyone")):
        pen.rounded_rectangle((60, 200 + number * 220, 900, 360 + number * 220), 40, fill="#3b4a57")
        pen.text((110, 250 + number * 220), line, fill="white", font_size=44)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Example Phones", "Model 5"
    exif[0x0132] = "2026:11:20 21:14:03"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=88)
    return out.getvalue()


def clip() -> bytes:
    """A short moving picture (animated WebP)."""
    frames = [Image.new("RGB", (320, 240), (20 + step * 8, 60, 90)) for step in range(24)]
    for step, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse((step * 10, 90, step * 10 + 60, 150), fill="white")
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=80, loop=0)
    return out.getvalue()


def pdf(words: str) -> bytes:
    """A one-page PDF, drawn by Pillow so that the demo needs no system library."""
    page = Image.new("RGB", (1240, 1754), "white")
    ImageDraw.Draw(page).text((120, 160), textwrap.fill(words, 48), fill="black", font_size=36)
    out = io.BytesIO()
    page.save(out, "PDF")
    return out.getvalue()


def chat() -> bytes:
    """A chat as a messenger exports it, UTF-8."""
    started = datetime(2026, 11, 20, 21, 2, tzinfo=UTC)
    lines = (
        "hey you still awake?",
        "look what i have :)",
        "you want me to send it to your sister?",
        "500. gift cards. friday.",
    )
    return "\n".join(
        f"[{started:%d/%m/%Y, %H:%M}:{number:02d}] lena.summer: {line}"
        for number, line in enumerate(lines)
    ).encode()
