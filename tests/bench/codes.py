"""Does a flood of wrong codes slow a right one, or the pages?  .venv/bin/python -m tests.bench.codes

Well-formed wrong codes (their check digits fit) at a fixed rate, beside one person who comes back with her code and one who reads a page.
Talks to 127.0.0.1 only; stops by itself.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.local.office import Office
from reporting.vault import codes
from tests.bench.uploads import page_times
from tests.reporter import Reporter


def flood(address: str, *, rate: float, until: threading.Event) -> dict[int, int]:
    """Wrong codes at `rate` a second; how often each status came back."""
    seen: dict[int, int] = {}

    def one() -> None:
        status = Reporter(address, "").post("/back/", code=codes.mint()).status
        seen[status] = seen.get(status, 0) + 1

    with ThreadPoolExecutor(max_workers=64) as pool:
        while not until.wait(1 / rate):
            pool.submit(one)
    return seen


def come_back(address: str, code: str, times: int) -> tuple[list[float], int]:
    """Milliseconds until a right code opened the report, each from the first press; how often she had to press again."""
    found, again = [], 0
    for _ in range(times):
        began = time.perf_counter()
        while Reporter(address, "").post("/back/", code=code).status == 503:
            again += 1
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.05)
    return sorted(found), again


def said(name: str, times: list[float], more: str = "") -> None:
    p95 = times[int(len(times) * 0.95)]
    print(f"{name:<44} p50 {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms{more}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="*", default=[50, 300])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    office = Office(folder / "office", ports={"public": 0, "upload": 0, "staff": 0, "partner": 0})
    try:
        office.prepare()
        office.start("public")
        address = office.address("public")
        hers = Reporter(address, "")
        hers.answer_all()
        code = hers.send()
        said("a right code, nobody else", come_back(address, code, 60)[0])
        said("a page, nobody else", page_times(address, 5))
        for rate in options.rates:
            until = threading.Event()
            with ThreadPoolExecutor() as pool:
                flooding = pool.submit(flood, address, rate=rate, until=until)
                time.sleep(1)
                times, again = come_back(address, code, 60)
                said(
                    f"a right code beside {rate:.0f} wrong ones a second",
                    times,
                    f"   pressed again {again} times",
                )
                said(f"a page beside {rate:.0f} wrong ones a second", page_times(address, 5))
                until.set()
                print(f"    the flood was answered {flooding.result()}")
    finally:
        office.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
