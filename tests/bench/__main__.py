"""`./run bench [NAME…] [--json] [--rounds N]`: figures beside their yardsticks.

Exit 0 when every bench ran, whatever its verdict; 1 when one of them failed; 2 for a wrong name.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields

from tests.bench import house, say
from tests.bench.rounds import LEAST_ROUNDS, Row

BENCHES = ("seal", "upload", "submit", "ledger", "package")
_COLUMNS = tuple(field.name for field in fields(Row))
_NUMBERS = ("ours", "yardstick", "ratio")


def main(words: Sequence[str]) -> int:
    options = _options(words)
    rows: list[Row] = []
    for name in options.names or BENCHES:
        say(f"{name}: {options.rounds} rounds")
        began = time.monotonic()
        rows += _in_a_process_of_its_own(name, options.rounds)
        say(f"{name}: done in {time.monotonic() - began:.0f} s")
    print(as_json(rows) if options.json else as_table(rows))
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Figures beside their yardsticks, interleaved, medians. A row is void when "
        "its yardstick spreads more than 25 %: then the machine was busy with something else.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--json", action="store_true", help="one array of rows on standard output")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="at least 5")
    options = parser.parse_args(words)
    for name in options.names:
        if name not in BENCHES:
            parser.error(f"there is no bench {name!r}; there are: {', '.join(BENCHES)}")
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"a median needs at least {LEAST_ROUNDS} rounds")
    return options


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1)


def as_table(rows: Sequence[Row]) -> str:
    lines = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(_cell(value) for value in asdict(row).values())


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
        for column, cell, width in zip(_COLUMNS, line, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _in_a_process_of_its_own(name: str, rounds: int) -> list[Row]:
    """Django is set up once in a process, and every bench has an office of its own."""
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=house.run, args=(name, rounds, sending))
    process.start()
    sending.close()
    try:
        rows: list[Row] = receiving.recv()
    except EOFError:
        sys.exit(f"{name} failed; the traceback above says why.")
    finally:
        process.join()
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
