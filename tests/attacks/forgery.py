"""What a stolen worker can do: its package key, its TSA key and a package it built are in a thief's
hands.

A package is built once for the run (`genuine`), because every attack starts from a copy of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from asn1crypto import cms, pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from cases.exports.bag import Signer
from reporting.custody.timestamps import TimeStampAuthority
from tests.attacks.genuine import Genuine

SCRIPT = Path("cases/exports/verify.sh").resolve()
LEDGER = "data/custody/ledger"


NO_LEAF = "0" * 64


class Forgery:
    """A copy of a genuine package, to be changed and signed again with stolen keys."""

    def __init__(self, genuine: Genuine, folder: Path) -> None:
        self.genuine, self.keys = genuine, genuine.keys
        self.folder = folder / genuine.folder.name
        shutil.copytree(genuine.folder, self.folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def replace(self, name: str, old: str, new: str) -> None:
        """Raises AssertionError when there is nothing to replace: the attack would be none."""
        text = self.path(name).read_bytes().decode()
        assert old in text, (name, old)
        self.path(name).write_bytes(text.replace(old, new).encode())

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in sorted(self.path(LEDGER).glob("*.json"))]

    def numbers(self, act: str) -> list[int]:
        return [row["seq"] for row in self.rows() if row["event"] == act]

    def cut_after(self, number: int) -> None:
        """The acts behind it are gone; the last one has its own, valid proof."""
        for path in self.path(LEDGER).iterdir():
            if int(path.name[:8]) > number:
                path.unlink()
        withheld = self.path("data/custody/details-withheld.txt")
        kept = [line for line in withheld.read_text().splitlines() if int(line) <= number]
        withheld.write_text("".join(f"{line}\n" for line in kept))
        record = json.loads(self.path("data/case/withheld.json").read_bytes())
        record["withheld"] = [entry for entry in record["withheld"] if _act_of(entry) <= number]
        self.write_withheld(record["withheld"])
        proof = self.genuine.acts[number - 1].proof
        self.path("data/custody/newest.tlog-proof").write_text(proof)

    def bag_info(self, name: str, value: str) -> None:
        """Another value of a field."""
        lines = self.path("bag-info.txt").read_text().splitlines()
        changed = [f"{name}: {value}" if line.startswith(f"{name}: ") else line for line in lines]
        assert changed != lines
        self.path("bag-info.txt").write_text("".join(f"{line}\n" for line in changed))

    def append_unsigned(self, event: str, about: str, *, key: Ed25519PrivateKey) -> None:
        """What whoever holds the public door can record: an act that no reporter signed. The office
        withholds its detail."""
        rows = self.rows()
        row = rows[-1] | {"seq": len(rows) + 1, "event": event, "object": about, "door": "public"}
        row |= {"actor": "reporter", "detail_hash": NO_LEAF}
        name = f"{LEDGER}/{row['seq']:08d}"
        self.path(f"{name}.json").write_text(json.dumps(row))
        self.path(f"{name}.detail").write_bytes(b"")
        self.withhold(row["seq"], say_so=True)
        self.rewrite_ledger(lambda row: None, key=key)
        shown = "" if about == row["subject"] else about
        line = f"{row['at']},{event},reporter,public,{shown},ledger/{row['seq']:08d}.json\r\n"
        with self.path("data/timeline.csv").open("a", newline="") as timeline:
            timeline.write(line)
        certificate = "data/certificates/hash-certificate.txt"
        self.replace(certificate, f"acts 1 to {len(rows)} of", f"acts 1 to {len(rows) + 1} of")

    def withhold(self, number: int, *, say_so: bool) -> None:
        """Leave the detail of an act out, and name it as withheld where `say_so`."""
        self.path(f"{LEDGER}/{number:08d}.detail").unlink()
        path = self.path("data/custody/details-withheld.txt")
        lines = sorted([*path.read_text().splitlines(), f"{number:08d}"])
        path.write_text("".join(f"{line}\n" for line in lines))
        if not say_so:
            return
        row = self.rows()[number - 1]
        record = json.loads(self.path("data/case/withheld.json").read_bytes())
        entry = {
            "what": f"detail of act {number} ({row['event']})",
            "why": "it concerns another partner",
            "commitment": f"detail_hash {row['detail_hash']}",
        }
        record["withheld"] = sorted([*record["withheld"], entry], key=_act_of)
        self.write_withheld(record["withheld"])

    def rewrite_ledger(
        self, change: Callable[[dict[str, Any]], None], *, key: Ed25519PrivateKey
    ) -> None:
        """Every row changed, linked anew and put under a checkpoint by `key`, alone in its tree;
        details that were changed fit their rows."""
        leaf = NO_LEAF
        for number, row in enumerate(self.rows(), start=1):
            change(row)
            detail = self.path(f"{LEDGER}/{number:08d}.detail")
            if detail.exists():
                row["detail_hash"] = hashlib.sha256(detail.read_bytes()).hexdigest()
            row["previous"] = leaf
            text = json.dumps(row, separators=(",", ":"), sort_keys=True)
            self.path(f"{LEDGER}/{number:08d}.json").write_text(text)
            leaf = hashlib.sha256(b"\0" + text.encode()).hexdigest()
        self.checkpoint(key, leaf)

    def checkpoint(self, key: Ed25519PrivateKey, leaf: str) -> None:
        custody = self.path("data/custody")
        origin = (custody / "checkpoint.body").read_text().splitlines()[0]
        public = key.public_key()
        body = f"{origin}\n1\n{base64.b64encode(bytes.fromhex(leaf)).decode()}\n"
        id_ = hashlib.sha256(origin.encode() + b"\n\x01" + public.public_bytes_raw()).digest()[:4]
        signature = key.sign(body.encode())
        note = f"{body}\n— {origin} {base64.b64encode(id_ + signature).decode()}\n"
        (custody / "checkpoint.body").write_text(body)
        (custody / "checkpoint.sig").write_bytes(signature)
        (custody / "checkpoint.txt").write_text(note)
        (custody / "newest.tlog-proof").write_text(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}")
        written = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (custody / "log-key.pem").write_bytes(written)

    def sign(
        self, *, kind: str = "package", tsa: str = "tsa", stamped: datetime | None = None
    ) -> None:
        """Manifests, signature and stamp made again with the keys of that name."""
        self.manifests()
        certificate = x509.load_pem_x509_certificate((self.keys / f"{kind}.pem").read_bytes())
        key = private_key(self.keys / f"{kind}.key")
        ca = x509.load_pem_x509_certificate((self.keys / "ca.pem").read_bytes())
        stamp = TimeStampAuthority(self.keys / f"{tsa}.key", self.keys / f"{tsa}.pem").stamp
        signer = Signer(key=key, certificate=certificate, ca=ca, stamp=stamp)
        signature = signer.sign(self.path("tagmanifest-sha256.txt").read_bytes())
        answer = signer.stamp(signature)
        if stamped:
            answer = restamped(answer, private_key(self.keys / f"{tsa}.key"), when=stamped)
        self.path("seal/tagmanifest.p7s").write_bytes(signature)
        self.path("seal/tagmanifest.p7s.tsr").write_bytes(answer)
        chain = certificate.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM)
        self.path("seal/chain.pem").write_bytes(chain)

    def manifests(self) -> None:
        payload = self._listed(self.path("data"))
        octets = sum(self.path(name).stat().st_size for name in payload)
        lines = self.path("bag-info.txt").read_bytes().splitlines(keepends=True)
        lines = [line for line in lines if not line.startswith(b"Payload-Oxum: ")]
        lines.append(f"Payload-Oxum: {octets}.{len(payload)}\n".encode())
        self.path("bag-info.txt").write_bytes(b"".join(lines))
        for algorithm in ("sha256", "sha512"):
            self._manifest(f"manifest-{algorithm}.txt", payload, algorithm)
        tags = {
            path
            for path in self._listed(self.folder)
            if not path.startswith(("data/", "seal/")) and path != "tagmanifest-sha256.txt"
        }
        self._manifest("tagmanifest-sha256.txt", sorted(tags), "sha256")

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self.path(name).read_bytes()).hexdigest()

    def verified(self, **options: Any) -> subprocess.CompletedProcess[str]:
        return verify(self.folder, self.keys, **options)

    def _listed(self, folder: Path) -> list[str]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def _manifest(self, name: str, listed: list[str], algorithm: str) -> None:
        lines = [
            f"{hashlib.new(algorithm, self.path(file).read_bytes()).hexdigest()}  {file}\n"
            for file in listed
        ]
        self.path(name).write_text("".join(lines))

    def write_withheld(self, entries: list[dict[str, str]]) -> None:
        lines = ",\n".join(rfc8785.dumps(entry).decode() for entry in entries)
        ended = f"{lines}\n" if lines else ""
        text = f'{{"withheld":[\n{ended}]}}\n'
        self.path("data/case/withheld.json").write_text(text)


def _act_of(entry: dict[str, str]) -> int:
    """The number of the act whose detail an entry of withheld.json is about; 0 for other things."""
    words = entry["what"].split()
    return int(words[3]) if words[:3] == ["detail", "of", "act"] else 0


def restamped(
    answer: bytes,
    key: EllipticCurvePrivateKey,
    *,
    when: datetime | None = None,
    certificate: bytes = b"",
) -> bytes:
    """A time-stamp response that states another time, or is by another certificate (PEM)."""
    response = tsp.TimeStampResp.load(answer)
    signed = response["time_stamp_token"]["content"]
    content = signed["encap_content_info"]
    info = tsp.TSTInfo.load(content["content"].parsed.dump())
    if when:
        info["gen_time"] = when
    content["content"] = cms.ParsableOctetString(info.dump(force=True))
    (signer,) = signed["signer_infos"]
    other = asn1_x509.Certificate.load(pem.unarmor(certificate)[2]) if certificate else None
    if other:
        signed["certificates"] = [other]
        signer["sid"] = cms.SignerIdentifier(
            "issuer_and_serial_number",
            {"issuer": other.issuer, "serial_number": other.serial_number},
        )
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name == "message_digest":
            attribute["values"] = [hashlib.sha256(info.dump()).digest()]
        elif name == "signing_time" and when:
            attribute["values"] = [cms.Time({"utc_time": when})]
        elif name == "signing_certificate_v2" and other:
            attribute["values"] = [
                {"certs": [{"cert_hash": hashlib.sha256(other.dump()).digest()}]}
            ]
    to_sign = signer["signed_attrs"].untag().dump(force=True)
    signer["signature"] = key.sign(to_sign, ECDSA(hashes.SHA256()))
    return bytes(response.dump(force=True))


def verify(
    package: Path,
    keys: Path,
    *,
    ledger: bool = True,
    ca: Path | None = None,
    more: tuple[Path, ...] = (),
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs our own copy of verify.sh, with the ledger's key unless told otherwise."""
    shell = shutil.which("dash") or shutil.which("sh") or "sh"
    files = [ca or keys / "ca.pem", *([keys / "checkpoint.pub"] if ledger else []), *more]
    return subprocess.run(
        [shell, str(SCRIPT), str(package), *map(str, files)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={"PATH": os.environ["PATH"], **(environment or {})},
    )


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def private_key(path: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


@pytest.fixture
def forged(genuine: Genuine, tmp_path: Path) -> Forgery:
    return Forgery(genuine, tmp_path / "forged")
