"""`./run demo`: the whole office on this machine, every process by itself, with believable data.
Ctrl-C stops it cleanly."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from config.doors import PORTS
from config.local.office import DEMO, Office
from config.local.postgres import AlreadyRunning, NotInstalled
from config.local.processes import DidNotStart


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument(
        "--fresh", action="store_true", help="throw the demo's data away and start over"
    )
    parser.add_argument("--folder", type=Path, default=DEMO, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, _stop)
    print("Holdfast demo: starting (the first time takes about half a minute) …", flush=True)
    try:
        if options.fresh:
            _erase(options.folder)
        office = Office(
            options.folder,
            ports={
                door: int(os.environ.get(f"{door.upper()}_PORT", port))
                for door, port in PORTS.items()
            },
        )
    except (AlreadyRunning, NotInstalled) as error:
        print(f"holdfast: {error}", file=sys.stderr)
        return 2
    try:
        return _run(office)
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        return 0
    except DidNotStart as error:
        print(
            f"holdfast: {error}\n\n"
            "If the demo's data is from another version, ./run demo --fresh starts over.",
            file=sys.stderr,
        )
        return 1
    finally:
        (office.folder / "operator.json").unlink(missing_ok=True)
        office.stop()


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _erase(folder: Path) -> None:
    """Wait for a stopped office to be really gone, then remove its folder."""
    if folder.exists():
        Office(folder).stop()
        shutil.rmtree(folder)


def _run(office: Office) -> int:
    office.prepare()
    _seed_once(office)
    office.start()
    running = office.folder / "operator.json"
    running.touch(mode=0o600)
    running.write_text(json.dumps({"pid": os.getpid(), "environment": office.operator()}))
    _say(office)
    while True:
        time.sleep(1)
        for name, child in office.children.items():
            if not child.running:
                print(
                    f"holdfast: the {name} ended. Its log: {office.folder}/logs/{name}.log",
                    file=sys.stderr,
                )
                return 1


def _seed_once(office: Office) -> None:
    printed = office.folder / "sign-ins.json"
    if printed.exists():
        return
    done = office.run_command("seed", "--partner-keys", str(office.folder / "partner-keys"))
    printed.touch(mode=0o600)
    printed.write_text(done.strip().splitlines()[-1])


def _say(office: Office) -> None:
    seeded = json.loads((office.folder / "sign-ins.json").read_text())
    lines = [
        "",
        f"  Reporters   {office.address('public')}/",
        f"  Staff       {office.address('staff')}/office/",
        f"  Partners    {office.address('partner')}/partner/",
        "",
        f"  Password for everybody: {seeded['password']}",
        "  Six digits: the key in any authenticator app, or ./run manage demo_code NAME",
        *(f"    {name:<8} {secret}" for name, secret in seeded["staff"].items()),
        "",
        "  A reporter's code, to come back with:",
        f"    {seeded['codes'][0]}",
        "",
        "  Partners' private keys (so that you can open a package):"
        f" {office.folder / 'partner-keys'}",
        f"  CA.pem for verify.sh: {office.keys / 'ca.pem'}",
        "",
        "READY  (Ctrl-C stops everything)",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
