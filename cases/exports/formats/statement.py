"""statement/: the reporter's answers as given, each with the wording that was shown.

`answers/A-….json` is the record that the reporter signed, byte for byte: its SHA-256 is `sha256` in
the detail of its act. `statement.json` lists the answers in the order of the form, each with its
act; `statement.txt` is the same for people. verify.sh makes both anew from the records and
compares.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from cases.exports.bag import Bag
from cases.exports.material import Material
from cases.exports.readable import readable
from reporting import evidence, on_record
from reporting.custody.record import unsalted
from reporting.models import Answer
from reporting.records import AnswerRecord


def write(bag: Bag, material: Material) -> None:
    """Raises evidence.HashMismatch if an answer is not what its act recorded."""
    acts = _acts(material)
    text, answers = [], []
    rows = Answer.objects.in_bulk([said.id for said in material.statement])
    for said in material.statement:
        act, sha256 = acts[said.id]
        plain = evidence.open_bytes(rows[said.id].sealed, material.secret)
        if hashlib.sha256(plain).hexdigest() != sha256:
            raise evidence.HashMismatch(f"answer {said.id}: {on_record.OTHER_BYTES}")
        bag.payload(f"statement/answers/{said.id}.json", plain)
        record = AnswerRecord.from_record(json.loads(plain))
        text.append(_text(record, act["at"] if said.later else ""))
        entry = {
            "act": act["seq"],
            "added_after_sending": said.later,
            "at": act["at"],
            "id": said.id,
            "question": said.key,
        }
        answers.append(rfc8785.dumps(entry).decode())
    bag.payload("statement/statement.txt", "\n---\n\n".join(text).encode())
    listed = "".join(f"{entry},\n" for entry in answers).removesuffix(",\n")
    ended = f"{listed}\n" if listed else ""
    bag.payload(
        "statement/statement.json", f'{{"answers":[\n{ended}],"translated":false}}\n'.encode()
    )


def _acts(material: Material) -> dict[str, tuple[dict[str, Any], str]]:
    """Answer → its act, and the SHA-256 of its record in the detail that the partner gets."""
    acts = {}
    for event in material.events:
        act = json.loads(event.canonical)
        if act["event"] == "answer:saved" and not event.withheld:
            acts[act["object"]] = (act, str(unsalted(event.revealed)["sha256"]))
    return acts


def _text(record: AnswerRecord, added_at: str) -> str:
    later = f" (added {added_at[:10]} {added_at[11:16]} UTC, after sending)" if added_at else ""
    lines = "\n".join(readable(line) for line in record.lines) or "(not provided)"
    return f"{readable(record.wording)}{later}\n\n{lines}\n"
