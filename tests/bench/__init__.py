"""Benches: `./run bench [NAME…] [--json] [--rounds N]`. Each figure stands beside its yardstick.

One file a bench, all of one shape: the few calls into the house first, then `run(office, rounds)`,
which returns rows. `rounds.py` holds the arithmetic, `clients.py` the processes that make load.
"""

from __future__ import annotations

import sys


def say(words: str) -> None:
    """Progress. It goes to standard error: standard output holds the figures and nothing else."""
    print(words, file=sys.stderr, flush=True)
