"""statement/: the reporter's answers as given, each with the wording that was shown."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    text, answers = [], []
    for said in material.statement:
        later = f" (added {said.at:%Y-%m-%d %H:%M} UTC, after sending)" if said.later else ""
        lines = "\n".join(said.lines) or "(not provided)"
        text.append(f"{said.wording}{later}\n\n{lines}\n")
        answer = {"question": said.key, "wording_shown": said.wording, "answer": said.lines}
        answers.append({**answer, "at": said.at.isoformat(), "added_after_sending": said.later})
    bag.payload("statement/statement.txt", "\n---\n\n".join(text).encode())
    statement = {
        "language": material.report.language,
        "typed_by": "the reporter",
        "translated": False,
        "answers": answers,
    }
    bag.payload(
        "statement/statement.json",
        json.dumps(statement, ensure_ascii=False, indent=1, sort_keys=True).encode(),
    )
