"""`./run test`: pytest in parallel; the closing lines name what could not be run here."""

from __future__ import annotations

import os
import subprocess
import sys


def main() -> int:
    arguments = sys.argv[1:]
    environment = dict(os.environ)
    if "--all" in arguments:
        arguments.remove("--all")
        environment["HOLDFAST_ALL"] = "1"
    # The journeys and the fault tests start whole offices: each file stays on one worker.
    command = [sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=loadfile", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
