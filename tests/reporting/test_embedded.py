"""Promise 7 for text: a file written as letters and numbers is refused, and everything people
really write passes."""

from __future__ import annotations

import base64
import binascii
import quopri
import random
import re
import string
import textwrap
import urllib.parse
from pathlib import Path

import django
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting import embedded, intake, messages, questions
from reporting.models import Answer, EvidenceItem, Message, Report
from tests import factories
from tests.reporter import page

_chance = random.Random(11)
PICTURE = b"\xff\xd8\xff\xe0" + _chance.randbytes(30_000)
BASE64 = base64.b64encode(PICTURE).decode()
HEX = PICTURE.hex()
ORIGIN = {"origin": "http://localhost:8100"}


def _spaced(text: str, every: int, between: str) -> str:
    return between.join(text[at : at + every] for at in range(0, len(text), every))


FILES = {
    "data address": f"data:image/jpeg;base64,{BASE64}",
    "data address, short and in a sentence": f"look: data:image/gif;base64,{BASE64[:400]} ok?",
    "data address, percent": "data:image/svg+xml," + "%3Csvg" * 100,
    "data address in capitals": f"DATA:IMAGE/PNG;BASE64,{BASE64[:5000]}",
    "base64 in one line": BASE64,
    "base64 without padding, web alphabet": base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
    **{
        f"base64 in lines of {width}": "\n".join(textwrap.wrap(BASE64, width))
        for width in (16, 40, 64, 76, 1000)
    },
    "base64 with CRLF": "\r\n".join(textwrap.wrap(BASE64, 76)),
    **{f"base64 with a {name} every {every}": _spaced(BASE64, every, between)
       for name, between in (("space", " "), ("comma", ","), ("tab", "\t"), ("bar", "|"))
       for every in (8, 20)},
    "base64 in pairs": _spaced(BASE64, 2, " "),
    "base64 in threes": _spaced(BASE64, 3, "\n"),
    "base64 with a space every 4": _spaced(BASE64, 4, " "),
    "base64, quoted like a mail": "\n> ".join(textwrap.wrap(BASE64, 76)),
    "base64 behind a page of prose": "They sent me this picture. " * 40 + BASE64,
    "base64 before a page of prose": BASE64 + " They sent me this picture." * 400,
    "hex": HEX,
    "hex in capitals": HEX.upper(),
    "hex in pairs": _spaced(HEX, 2, " "),
    "hex with 0x": _spaced(HEX, 2, ", 0x"),
    "hex dump lines": "\n".join(textwrap.wrap(HEX, 32)),
    "decimal bytes": ", ".join(str(byte) for byte in PICTURE),
    "decimal bytes in lines": "\n".join(str(byte) for byte in PICTURE),
    "base32": base64.b32encode(PICTURE).decode(),
    "base85": base64.b85encode(PICTURE).decode(),
    "ASCII85": base64.a85encode(PICTURE).decode(),
    "ASCII85 in lines, as PDF has it": base64.a85encode(PICTURE, adobe=True, wrapcol=72).decode(),
    "ASCII85 in groups": _spaced(base64.a85encode(PICTURE).decode(), 5, " "),
    "ASCII85 quoted like a mail": "\n> ".join(
        textwrap.wrap(base64.a85encode(PICTURE).decode(), 60)),
    "base32 in small letters": base64.b32encode(PICTURE).decode().lower(),
    **{f"base32 in groups of {every} with {name}":
       _spaced(base64.b32encode(PICTURE).decode(), every, between)
       for every in (4, 5, 8) for name, between in (("spaces", " "), ("hyphens", "-"))},
    "base58": "".join(_chance.choices(string.digits[1:] + string.ascii_letters, k=9_000)),
    "sixteen letters": "".join(chr(97 + (byte >> 4)) + chr(97 + (byte & 15)) for byte in PICTURE),
    **{f"hex with {name}": _spaced(HEX, every, between)
       for every, name, between in (
           (2, "colons", ":"), (2, "hyphens", "-"), (4, "underscores", "_"),
           (2, "backslash x", "\\x"), (8, "spaces", " "))},
    "uuencode": "begin 644 x.jpg\n" + "".join(
        binascii.b2a_uu(PICTURE[at : at + 45]).decode() for at in range(0, len(PICTURE), 45)),
    **{f"yEnc as {page}": bytes((byte + 42) % 256 for byte in PICTURE).decode(page, "replace")
       for page in ("latin-1", "cp1252", "cp437")},
    "quoted-printable": quopri.encodestring(PICTURE).decode(),
    "percent": urllib.parse.quote_from_bytes(PICTURE),
    "percent, every byte": "".join(f"%{byte:02X}" for byte in PICTURE),
    "octal": "".join(f"\\{byte:03o}" for byte in PICTURE),
    "character references": "".join(f"&#{byte};" for byte in PICTURE),
    "PEM": "-----BEGIN X-----\n" + "\n".join(textwrap.wrap(BASE64, 64)) + "\n-----END X-----",
    "data address with spaces": f"DaTa : image/png ; x=y ; base64 , {BASE64[:400]}",
    "ASCII85 between pages of prose": (
        "They sent me this picture. " * 40 + base64.a85encode(PICTURE[:2_500]).decode()
        + " They sent me this picture." * 40),
    "bits": _spaced("".join(f"{byte:08b}" for byte in PICTURE[:1000]), 8, " "),
}  # fmt: skip


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_in_text_is_refused(text: str) -> None:
    with pytest.raises(embedded.FileInText):
        embedded.check(text)


_WORDS = {
    "English": "He said he would send the pictures to my sister if I did not pay by Friday.",
    "German": "Er sagte, dass er die Bilder an meine Schwester schickt, wenn ich nicht bezahle.",
    "Turkish": "Cuma akşamına kadar ödemezsem fotoğrafları kız kardeşime göndereceğini söyledi.",
    "Arabic": "قال إنه سيرسل الصور إلى أختي إذا لم أدفع قبل مساء يوم الجمعة.",
    "Russian": "Он сказал, что отправит фотографии моей сестре, если я не заплачу до пятницы.",
    "Hindi": "उसने कहा कि अगर मैंने शुक्रवार शाम तक पैसे नहीं दिए तो वह तस्वीरें मेरी बहन को भेज देगा।",
    "Chinese": "他说如果我不在星期五晚上之前付钱，他就会把照片发给我的妹妹。",
    "Thai": "เขาบอกว่าจะส่งรูปให้น้องสาวของฉันถ้าฉันไม่จ่ายเงินภายในเย็นวันศุกร์",
    "Amharic": "እስከ ዓርብ ማታ ካልከፈልኩ ፎቶዎቹን ለእህቴ እንደሚልክ ተናገረ።",
    "Vietnamese": "Anh ta nói sẽ gửi ảnh cho em gái tôi nếu tôi không trả tiền trước tối thứ Sáu.",
}  # fmt: skip
_CHAT = "".join(
    f"[{day:02d}.11.2026, {hour:02d}:{minute:02d}:17] {who}: {said}\n"
    for day in range(1, 26)
    for hour, minute, who, said in (
        (21, 4, "Max +49 151 2345678", "pay 500 or i send all to ur sister"),
        (21, 5, "Me", "please dont, i have no money"),
        (21, 9, "Max +49 151 2345678", "<Media omitted> IMG-20261101-WA0003.jpg"),
    )
)
_URL = "https://social.example/p/{}/?igshid=MzRlODBiNWFlZA==&utm_source=ig_web_copy_link"
_NAMES = ("anna", "max", "wolf", "dark", "prince", "lena", "real", "the", "boss", "queen", "mia")
LISTS = {
    "phone numbers": "\n".join(f"+49 151 {_chance.randrange(10**7):07d}" for _ in range(40)),
    "links": "\n".join(
        _URL.format(base64.urlsafe_b64encode(_chance.randbytes(8)).decode()[:11]) for _ in range(40)
    ),
    "wallets": "\n".join(
        f"pay to bc1q{base64.b32encode(_chance.randbytes(24)).decode().lower()[:38]}"
        for _ in range(20)
    ),
    "IBANs": "\n".join(f"DE{_chance.randrange(10**20):020d}" for _ in range(20)),
    "a hash": "The file they sent has this SHA-256: " + HEX[:64],
    "an invoice": "Paid 500 EUR on 12.11.2026, TX 4f9a0c3e, 2x Amazon card AQ7K-93JDLE-QX2T.",
    "German IBANs, many": "\n".join(f"DE{_chance.randrange(10**20):020d}" for _ in range(150)),
    "phone numbers, many": "\n".join(f"+49 151 {_chance.randrange(10**7):07d}" for _ in range(300)),
    "an address with a long token": "https://drive.example/file/d/" + BASE64[:800].replace("/", ""),
    "hashes": "\n".join(f"SHA-256 of the file: {_chance.randbytes(32).hex()}" for _ in range(12)),
    "made-up user names": "\n".join(
        _chance.choice(("@", "", "snap: "))
        + _chance.choice(_NAMES)
        + _chance.choice("._-")
        + _chance.choice(_NAMES)
        + str(_chance.randrange(100, 2010))
        for _ in range(400)
    ),
    "drawn with characters": "\n".join(
        "".join("@%#*+=-:. "[(column * row // 7) % 10] for column in range(70)) for row in range(40)
    ),
    "one key held down": "a" * 5_000 + "!" * 5_000,
    "keys hit at random": "".join(
        _chance.choice(("asdf", "jkl", "hfgh", "sdfg", "lkjh")) for _ in range(1_500)
    ),
    "emoji": "".join(_chance.choice(("😭😭😭", "🙏", "😡😡", "💔💔")) for _ in range(1_000)),
    "names": "\n".join(f"@bad.guy_{number:03d}, Snap: xX_max{number}_Xx" for number in range(60)),
}


@pytest.mark.parametrize("words", _WORDS.values(), ids=_WORDS)
@pytest.mark.parametrize("times", [1, 40, 300], ids=["short", "a page", "long"])
def test_prose_in_any_script_passes(words: str, times: int) -> None:
    embedded.check(" ".join([words] * times))
    embedded.check("\n".join([words.upper()] * times))


@pytest.mark.parametrize("text", [_CHAT, *LISTS.values()], ids=["chat export", *LISTS])
def test_what_people_copy_from_their_phones_passes(text: str) -> None:
    embedded.check(text)


def _catalogues() -> dict[str, str]:
    """Django's own words in every language that it speaks: real sentences, few of them twice."""
    texts: dict[str, str] = {}
    for path in sorted(Path(django.__file__).parent.rglob("locale/*/LC_MESSAGES/django.po")):
        words = re.findall(r'^(?:msgstr.*?|)"(.*)"$', path.read_text(), re.MULTILINE)
        language = path.parts[-3]
        texts[language] = texts.get(language, "") + " ".join(words)
    return {language: text for language, text in texts.items() if len(text) > 20_000}


CATALOGUES = _catalogues()


def test_there_are_languages_of_every_kind_of_script() -> None:
    assert len(CATALOGUES) > 60
    assert {"ar", "fa", "he", "hi", "ja", "ko", "th", "vi", "zh_Hans", "zh_Hant"} <= set(CATALOGUES)


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_that_django_speaks_passes(language: str) -> None:
    """Also without spaces, and in capitals: a phone that writes so is no file."""
    text = CATALOGUES[language]
    for written in (text, text.upper(), "".join(text.split())):
        embedded.check(written)


_ALPHABETS = {
    "printable": "".join(map(chr, range(33, 127))),
    "letters and digits": string.ascii_letters + string.digits,
    "capitals and digits": string.ascii_uppercase + "234567",
    "small letters": string.ascii_lowercase,
    "Latin-1": "".join(chr(code) for code in range(161, 256)),
    "Chinese characters": "".join(map(chr, range(0x4E00, 0x4F00))),
}


@pytest.mark.parametrize("alphabet", _ALPHABETS.values(), ids=_ALPHABETS)
@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    every=st.sampled_from([0, 4, 5, 8, 40, 64, 76]),
    between=st.sampled_from([" ", "\n", "\r\n", "\t"]),
    before=st.integers(0, 2_000),
)
def test_bytes_in_any_alphabet_and_any_lines_are_refused(
    alphabet: str, seed: int, every: int, between: str, before: int
) -> None:
    text = "".join(random.Random(seed).choices(alphabet, k=3_000))
    spaced = _spaced(text, every, between) if every else text
    with pytest.raises(embedded.FileInText):
        embedded.check(("They sent me this picture. " * 80)[:before] + spaced)


@pytest.mark.parametrize("file", ["README.md", "reporting/intake.py", "uv.lock", "LICENSE"])
def test_ordinary_long_texts_pass(file: str) -> None:
    root = Path(__file__).parents[2]
    embedded.check((root / file).read_text()[:200_000])


@pytest.mark.django_db(transaction=True)
class TestRoutes:
    """Every route that takes text, as the browser sends it: refused, kept in the field, and nothing
    stored."""

    @pytest.mark.parametrize("sent", [False, True], ids=["draft", "sent"])
    @pytest.mark.parametrize("key", ["words", "deadline", "links", "accounts", "told", "contact"])
    def test_no_page_takes_a_file_as_text(self, key: str, sent: bool) -> None:
        visit = factories.sent() if sent else factories.draft()
        answers_before = Answer.objects.count()
        client = Client()
        client.post("/back/", {"code": visit.code}, headers=ORIGIN)
        answered = client.post(page(key), {"answer": BASE64}, headers=ORIGIN)
        assert answered.status_code == 422
        shown = answered.content.decode()
        assert embedded.FileInText.words[:60] in shown
        assert BASE64.replace("+", "&#x2B;") in shown or BASE64 in shown
        assert Answer.objects.count() == answers_before
        assert not EvidenceItem.objects.exists()

    @pytest.mark.parametrize("key", ["words", "links"])
    def test_a_first_answer_that_is_refused_starts_no_report(self, key: str) -> None:
        answered = Client().post(page(key), {"answer": BASE64}, headers=ORIGIN)
        assert (answered.status_code, dict(answered.cookies)) == (422, {})
        assert not Report.objects.exists()

    def test_no_message_takes_a_file_as_text(self) -> None:
        visit = factories.sent()
        client = Client()
        client.post("/back/", {"code": visit.code}, headers=ORIGIN)
        answered = client.post("/mine/", {"text": BASE64}, headers=ORIGIN)
        assert answered.status_code == 422
        assert BASE64 in answered.content.decode()
        assert not Message.objects.exists()

    def test_no_function_that_keeps_text_goes_round_it(self) -> None:
        """Not only the pages: many lines that are short each are looked at together."""
        visit = factories.draft()
        lines = textwrap.wrap(BASE64, 76)
        for keep in (
            lambda: intake.answer(visit, questions.BY_KEY["words"], BASE64),
            lambda: intake.add_lines(visit, EvidenceItem.Kind.LINK, lines),
            lambda: messages.write(visit, BASE64),
        ):
            with pytest.raises(embedded.FileInText):
                keep()

    def test_the_page_that_is_about_files_takes_no_text(self) -> None:
        visit = factories.draft()
        client = Client()
        client.post("/back/", {"code": visit.code}, headers=ORIGIN)
        before = Answer.objects.count()
        answered = client.post(page("files"), {"answer": BASE64}, headers=ORIGIN)
        assert answered.status_code == 422
        assert Answer.objects.count() == before
