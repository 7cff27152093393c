"""`./run generate readme` and `./run generate units --out FOLDER`: what is written from the
table of `config.doors`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config.doors import DOORS, FILES, Door

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- written by ./run generate readme -->", "<!-- end of what is written -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run generate", description=__doc__)
    parser.add_argument("what", choices=("readme", "units"))
    parser.add_argument("--out", type=Path, help="the folder for the units")
    options = parser.parse_args()
    if options.what == "readme":
        README.write_text(with_tables(README.read_text()))
        return 0
    if options.out is None:
        parser.error("units needs --out FOLDER")
    options.out.mkdir(parents=True, exist_ok=True)
    for door in DOORS.values():
        for hardened in (False, True):
            ending = ".hardened.service" if hardened else ".service"
            (options.out / f"holdfast-{door.name}{ending}").write_text(
                unit(door, hardened=hardened)
            )
    return 0


def with_tables(text: str) -> str:
    """README.md with its generated part as the table of doors says."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_processes()}\n{_keys()}{END}{after}"


def _processes() -> str:
    lines = [
        "| process | what it does | database role | keys | opener | vault | broker | port here |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for door in DOORS.values():
        secrets = [FILES[setting].name for setting in door.files if FILES[setting].secret]
        cells = [
            f"`{door.name}`",
            door.does,
            f"`{door.database_user}`" if door.role else "none",
            ", ".join(f"`{name}`" for name in secrets) or "none",
            *("yes" if has else "–" for has in (door.uses_opener, door.holds_vault)),
            "yes" if door.uses_broker else "–",
            str(door.port or "–"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _keys() -> str:
    lines = ["| setting | file of the ceremony | secret | given to |", "|---|---|---|---|"]
    for setting, file in FILES.items():
        holders = [door.name for door in DOORS.values() if setting in door.files]
        given = ", ".join(holders) or "commands only"
        secret = "yes" if file.secret else "no"
        lines.append(f"| `{setting}` | `{file.name}` | {secret} | {given} |")
    return "\n".join(lines) + "\n"


_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
UMask=0077
"""


def unit(door: Door, *, hardened: bool) -> str:
    """A systemd unit. Keys come as credentials: the process sees its own copies and not the
    folder of the ceremony."""
    lines = [
        "[Unit]",
        f"Description=Holdfast {door.name}: {door.does}",
        "After=network.target postgresql.service",
        "",
        "[Service]",
        f"User=holdfast-{door.name}",
        "WorkingDirectory=/opt/holdfast",
        "# Settings of all processes, then those of this one (DATABASE_URL, for example).",
        "EnvironmentFile=/etc/holdfast/office.env",
        f"EnvironmentFile=/etc/holdfast/{door.name}.env",
        f"Environment=DOORS={door.name} PYTHONPATH=/opt/holdfast",
    ]
    for setting in door.files:
        name = FILES[setting].name
        lines.append(f"LoadCredential={name}:/etc/holdfast/keys/{name}")
        lines.append(f"Environment={setting}=%d/{name}")
    arguments = " ".join(door.command)
    if door.name == "beat":
        arguments += " --schedule=%S/holdfast-beat/schedule"
    lines += [
        f"ExecStart=/opt/holdfast/.venv/bin/python {arguments}",
        f"StateDirectory=holdfast-{door.name}",
        "Restart=always",
        "RestartSec=2",
        "LimitNOFILE=65536",
        "LimitCORE=0",
    ]
    if hardened:
        lines += _HARDENED.splitlines()
        lines += _reaches(door)
    return "\n".join([*lines, "", "[Install]", "WantedBy=multi-user.target", ""])


def _reaches(door: Door) -> list[str]:
    """What the hardened unit may write, or may do besides."""
    lines = []
    if door.holds_vault:
        reads = door.name == "partner"
        lines.append(f"{'ReadOnlyPaths' if reads else 'ReadWritePaths'}=/var/lib/holdfast/vault")
    if door.uses_opener:
        lines.append("ReadWritePaths=/run/holdfast-opener")
    if door.writes_checkpoints:
        lines.append("ReadWritePaths=/var/lib/holdfast/checkpoints")
    # The sandbox of the staff door makes namespaces of its own; everywhere else they are closed.
    if door.name != "staff":
        lines.append("RestrictNamespaces=yes")
    return lines


if __name__ == "__main__":
    sys.exit(main())
