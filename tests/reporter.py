"""A reporter without a browser: the HTTP requests of a phone without JavaScript."""

from __future__ import annotations

import http.client
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from reporting.questions import POSITION

COOKIE = "__Host-notes"
ANSWERS = {
    "safe": "yes",
    "control": "no",
    "who": "me",
    "age": "adult",
    "what": "financial_extortion",
    "words": "They want 500 by Friday.",
    "deadline": "Friday",
    "links": "https://social.example/bad",
    "accounts": "@bad.guy",
}


def page(key: str) -> str:
    """The address of a question's page."""
    return f"/page/{POSITION[key]}/"


@dataclass
class Answered:
    status: int
    location: str
    body: str


@dataclass
class Reporter:
    public: str
    upload: str
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answered:
        return self._ask(self.public, "GET", path, b"", {})

    def post(self, path: str, **fields: str) -> Answered:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask(self.public, "POST", path, urlencode(fields).encode(), kind)

    def send_files(self, path: str, files: dict[str, bytes]) -> Answered:
        body, kind = multipart(files)
        return self._ask(self.upload, "POST", path, body, {"Content-Type": kind})

    def _ask(
        self, address: str, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> Answered:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        sent = {"Origin": self.public, **headers, **self.headers}
        if self.cookie:
            sent["Cookie"] = f"{COOKIE}={self.cookie}"
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        for value in response.headers.get_all("Set-Cookie") or []:
            if cookie := re.match(rf"{COOKIE}=([^;]+)", value):
                self.cookie = cookie[1]
        answered = Answered(
            response.status,
            response.headers.get("Location", ""),
            response.read().decode(errors="replace"),
        )
        connection.close()
        return answered

    def answer_all(self, words: str = ANSWERS["words"], account: str = ANSWERS["accounts"]) -> None:
        for key, value in {**ANSWERS, "words": words, "accounts": account}.items():
            assert self.post(page(key), answer=value).status == 302, key

    def open_files(self, shown_adult: str = "yes") -> str:
        """Answer the age question. Returns the address of the upload form, or "" if not shown."""
        self.post("/more/age/", shown_adult=shown_adult)
        action = re.search(r'action="[^"]*(/files/[^"]+)"', self.get("/more/").body)
        return action[1] if action else ""

    def send(self) -> str:
        """Send the report. Returns the return code from the receipt page."""
        assert self.post("/send/").location == "/done/"
        return "".join(re.findall(r"<span>(\d{5})</span>", self.get("/done/").body))


def multipart(files: dict[str, bytes]) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    body = b"".join(
        f"--{boundary}\r\n".encode()
        + f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
