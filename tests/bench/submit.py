"""Whole reports with 64 clients at once, and the way back with a code during a flood of wrong ones.

A whole report is three POSTs and a GET: what happened, in a choice and in words, send, and the page
with the code. The yardstick is the same clients with three POSTs and a GET of a page that does
nothing (no database, no key), served by the same door: what is left of it is what reports cost.
"""

from __future__ import annotations

import time

from config.local.office import Office
from reporting.questions import POSITION
from tests.bench import clients, rounds, say
from tests.bench.clients import Request
from tests.reporter import Reporter

_CLIENTS = 64
_RAMP, _WINDOW = 2.0, 8.0  # seconds
_WRONG_CODES = 50  # a second
_RETURNS = 30
_REPORT = (
    Request("POST", f"/page/{POSITION['what']}/", (("answer", "financial_extortion"),), (302, b"")),
    Request("POST", f"/page/{POSITION['words']}/", (("answer", "Pay by Friday."),), (302, b"")),
    Request("POST", "/send/", (), (302, b"/done/")),
    Request("GET", "/done/", (), (200, b"<span>")),  # the code, in groups
)
_NOTHING = (*(Request("POST", "/pause/"),) * 3, Request("GET", "/pause/"))


def run(office: Office, how_many: int) -> list[rounds.Row]:
    office.start("public")
    return [*_whole_reports(office, how_many), _come_back(office, how_many)]


def _whole_reports(office: Office, how_many: int) -> list[rounds.Row]:
    def walked(walk: tuple[Request, ...]) -> clients.Walked:
        seen = clients.crowd(
            office.address("public"), walk, clients=_CLIENTS, ramp=_RAMP, window=_WINDOW
        )
        if seen.other_errors or not seen.seconds:
            raise RuntimeError(f"{seen.other_errors} answers were not the expected ones")
        return seen

    ours, yardstick = rounds.interleave(how_many, lambda: walked(_REPORT), lambda: walked(_NOTHING))
    clients_named = f"{_CLIENTS} clients"
    return [
        rounds.compared(
            "submit",
            f"whole reports, {clients_named} · of a page that does nothing",
            "1/s",
            ours=[len(seen.seconds) / seen.window for seen in ours],
            yardstick=[len(seen.seconds) / seen.window for seen in yardstick],
            goal=rounds.Goal("ours", "≥", 50),
        ),
        rounds.compared(
            "submit",
            f"p95 of a whole report, {clients_named} · of a page that does nothing",
            "s",
            ours=[rounds.p95(seen.seconds) for seen in ours],
            yardstick=[rounds.p95(seen.seconds) for seen in yardstick],
            goal=rounds.Goal("ours", "≤", 2),
        ),
        rounds.counted(
            "submit",
            f"server errors (5xx), {clients_named}, all rounds",
            "answers",
            ours=sum(seen.server_errors for seen in ours),
            goal=rounds.Goal("ours", "≤", 0),
        ),
    ]


def _come_back(office: Office, how_many: int) -> rounds.Row:
    say("submit: the way back beside wrong codes")
    origin = office.address("public")
    reporter = Reporter(origin, "")
    reporter.post(f"/page/{POSITION['words']}/", answer="Pay by Friday.")
    code = reporter.send()

    def alone() -> float:
        return rounds.p95([_seconds_to_come_back(origin, code) for _ in range(_RETURNS)])

    def beside_wrong_codes() -> float:
        with clients.beside(clients.wrong_codes, origin, _WRONG_CODES):
            time.sleep(1)
            return alone()

    ours, yardstick = rounds.interleave(how_many, beside_wrong_codes, alone)
    return rounds.compared(
        "submit",
        f"p95 of the way back with a code beside {_WRONG_CODES} wrong codes a second · alone",
        "s",
        ours=ours,
        yardstick=yardstick,
        goal=rounds.Goal("ours", "≤", 1.5),
    )


def _seconds_to_come_back(origin: str, code: str) -> float:
    """From the first press until the report is open; who is asked to press again does so."""
    began = time.perf_counter()
    while (answered := Reporter(origin, "").post("/back/", code=code)).status == 503:
        continue
    if answered.status != 302:
        raise RuntimeError(f"the way back answered {answered.status}")
    return time.perf_counter() - began
