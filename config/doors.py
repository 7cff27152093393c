"""Every process of an office in one table: its database role, its keys, what it may reach, its
addresses, how it starts.

Settings, start-up checks, the office on one machine, the tests, the tables of README.md and the
systemd units are read or generated from it. A new process is one more line here, its role in
`cases/operations/grants.py`, and `./run generate readme`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class KeyFile:
    """A file of the key ceremony. A secret one may be seen only by the doors that name it."""

    name: str
    secret: bool


# Setting → the file of the ceremony.
FILES: Mapping[str, KeyFile] = {
    "OFFICE_PUBLIC_KEYS_FILE": KeyFile("office-public-keys", secret=False),
    "OFFICE_KEY_FILE": KeyFile("office.key", secret=True),
    "LOOKUP_KEY_FILE": KeyFile("lookup.key", secret=True),
    "RECEIPT_KEY_FILE": KeyFile("receipt.key", secret=True),
    "RECEIPT_CERTIFICATE_FILE": KeyFile("receipt.pem", secret=False),
    "SECRET_KEY_FILE": KeyFile("secret-key-staff", secret=True),
    "STAFF_SECRET_KEY_FILE": KeyFile("staff-secret.key", secret=True),
    "PACKAGE_KEY_FILE": KeyFile("package.key", secret=True),
    "PACKAGE_CERTIFICATE_FILE": KeyFile("package.pem", secret=False),
    "CHECKPOINT_KEY_FILE": KeyFile("checkpoint.key", secret=True),
    "CHECKPOINT_PUBLIC_KEY_FILE": KeyFile("checkpoint.pub", secret=False),
    "TSA_KEY_FILE": KeyFile("tsa.key", secret=True),
    "TSA_CERTIFICATE_FILE": KeyFile("tsa.pem", secret=False),
    "CA_CERTIFICATE_FILE": KeyFile("ca.pem", secret=False),
}


@dataclass(frozen=True)
class Door:
    """One kind of process. `command` follows the interpreter; `mounts` are (prefix, module of
    addresses)."""

    name: str
    does: str
    command: tuple[str, ...]
    role: str | None = None  # its database role, without "holdfast_"; None: it has no database
    files: tuple[str, ...] = ()
    uses_opener: bool = False
    holds_vault: bool = False
    uses_broker: bool = False
    writes_checkpoints: bool = False
    mounts: tuple[tuple[str, str], ...] = ()
    port: int | None = None  # on one machine; a real office sets LISTEN_PORT
    faces_out: bool = False
    signs_in: bool = False

    @property
    def database_user(self) -> str:
        return f"holdfast_{self.role}" if self.role else ""


_CELERY = ("-m", "celery", "--app=config.celery", "--quiet")
_WORKER_FILES = (
    "OFFICE_PUBLIC_KEYS_FILE",
    "PACKAGE_KEY_FILE",
    "PACKAGE_CERTIFICATE_FILE",
    "TSA_KEY_FILE",
    "TSA_CERTIFICATE_FILE",
    "CA_CERTIFICATE_FILE",
    "CHECKPOINT_PUBLIC_KEY_FILE",
)

_TABLE = (
    Door(
        "public",
        "takes reports; the way back with the return code",
        ("-m", "config.serve", "public"),
        role="public",
        files=(
            "OFFICE_PUBLIC_KEYS_FILE",
            "LOOKUP_KEY_FILE",
            "RECEIPT_KEY_FILE",
            "RECEIPT_CERTIFICATE_FILE",
        ),
        holds_vault=True,
        mounts=(("", "reporting.screens.urls"),),
        port=8100,
        faces_out=True,
    ),
    Door(
        "upload",
        "takes the files of the public door",
        ("-m", "config.serve", "upload"),
        role="public",
        holds_vault=True,
        port=8101,
        faces_out=True,
    ),
    Door(
        "partner",
        "hands out packages, takes acknowledgements, serves checkpoints",
        ("-m", "config.serve", "partner"),
        role="partner",
        files=("CHECKPOINT_PUBLIC_KEY_FILE",),
        holds_vault=True,
        mounts=(("partner/", "cases.partner.urls"),),
        port=8300,
        faces_out=True,
    ),
    Door(
        "staff",
        "the office's own pages",
        ("-m", "config.serve", "staff"),
        role="staff",
        files=(
            "SECRET_KEY_FILE",
            "STAFF_SECRET_KEY_FILE",
            "OFFICE_PUBLIC_KEYS_FILE",
            "CA_CERTIFICATE_FILE",
        ),
        uses_opener=True,
        holds_vault=True,
        mounts=(
            ("office/account/", "allauth.account.urls"),
            ("office/account/2fa/", "allauth.mfa.urls"),
            ("office/", "cases.screens.urls"),
        ),
        port=8200,
        signs_in=True,
    ),
    Door(
        "worker",
        "sorts reports, closes hand-overs, re-hashes the vault",
        (*_CELERY, "worker", "--queues=celery", "--without-gossip", "--without-mingle"),
        role="worker",
        files=("OFFICE_PUBLIC_KEYS_FILE",),
        uses_opener=True,
        holds_vault=True,
        uses_broker=True,
    ),
    Door(
        # A queue of its own: a package of gigabytes holds up no triage.
        "builder",
        "takes the hashes of new files, builds packages",
        (*_CELERY, "worker", "--queues=builds", "--without-gossip", "--without-mingle"),
        role="worker",
        files=_WORKER_FILES,
        uses_opener=True,
        holds_vault=True,
        uses_broker=True,
    ),
    Door(
        # It only says that it is time: no database, no key.
        "beat",
        "the worker's clock",
        (*_CELERY, "beat", "--pidfile="),
        uses_broker=True,
    ),
    Door(
        "opener",
        "gives a report's key against a custody event",
        ("manage.py", "opener"),
        role="opener",
        files=("OFFICE_KEY_FILE", "OFFICE_PUBLIC_KEYS_FILE"),
        uses_opener=True,
    ),
    Door(
        "sequencer",
        "orders the ledger and signs checkpoints",
        ("manage.py", "sequencer"),
        role="sequencer",
        files=("CHECKPOINT_KEY_FILE", "TSA_KEY_FILE", "TSA_CERTIFICATE_FILE"),
        writes_checkpoints=True,
    ),
)
DOORS: Mapping[str, Door] = {door.name: door for door in _TABLE}
OPERATOR = "operator"  # commands by hand: the owner's database role, every key of the ceremony
NAMES = frozenset(DOORS) | {OPERATOR}
PORTS: Mapping[str, int] = {door.name: door.port for door in _TABLE if door.port is not None}
DATABASE_ROLES = tuple(dict.fromkeys(door.role for door in _TABLE if door.role))


def holders() -> dict[str, frozenset[str]]:
    """Setting → the only doors that may see it: every secret file, and the opener's socket."""
    held = {
        setting: frozenset(door.name for door in _TABLE if setting in door.files)
        for setting, file in FILES.items()
        if file.secret
    }
    held["OPENER_SOCKET"] = frozenset(door.name for door in _TABLE if door.uses_opener)
    return held
