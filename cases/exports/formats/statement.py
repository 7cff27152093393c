"""statement/: her words untouched, with the wording she answered to."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    text, record = [], []
    for said in material.statement:
        later = f" (added {said.at:%Y-%m-%d %H:%M} UTC, after sending)" if said.later else ""
        text.append(f"{said.wording}{later}\n\n{chr(10).join(said.lines) or '(not provided)'}\n")
        answer = {"question": said.key, "wording_shown": said.wording, "answer": said.lines}
        record.append({**answer, "at": said.at.isoformat(), "added_after_sending": said.later})
    bag.payload("statement/statement.txt", "\n---\n\n".join(text).encode())
    language = {
        "language": material.report.language,
        "typed_by": "the reporter",
        "translated": False,
        "answers": record,
    }
    bag.payload(
        "statement/statement.json",
        json.dumps(language, ensure_ascii=False, indent=1, sort_keys=True).encode(),
    )
