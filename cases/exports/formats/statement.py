"""statement/: her words untouched, with the wording she answered to."""

from __future__ import annotations

import json

from cases.exports.bag import Bag
from cases.exports.material import Material


def write(bag: Bag, material: Material) -> None:
    text, record = [], []
    for said in material.statement:
        text.append(f"{said.wording}\n\n{chr(10).join(said.lines) or '(not provided)'}\n")
        record.append({"question": said.key, "wording_shown": said.wording, "answer": said.lines, "at": said.at.isoformat()})
    bag.payload("statement/statement.txt", "\n---\n\n".join(text).encode())
    language = {"language": material.report.language, "typed_by": "the reporter", "translated": False, "answers": record}
    bag.payload("statement/statement.json", json.dumps(language, ensure_ascii=False, indent=1, sort_keys=True).encode())
