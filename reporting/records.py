"""What lies inside sealed bytes, as typed records with a version each: they outlive the code that
wrote them.

`to_record` gives what is sealed as RFC 8785 JSON, `from_record` reads it back and refuses an
unknown version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VERSION = 1


class UnknownRecord(ValueError):
    """The record is of a version this code does not know, or lacks a field."""


@dataclass(frozen=True)
class AnswerRecord:
    """An answer as it was given. `choices`: (value, label) as shown. `typed_by`: an actor."""

    value: Any
    wording: str
    choices: tuple[tuple[str, str], ...]
    language: str
    typed_by: str

    def to_record(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "value": self.value,
            "wording": self.wording,
            "choices": [list(choice) for choice in self.choices],
            "language": self.language,
            "typed_by": self.typed_by,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> AnswerRecord:
        _check_version(record)
        try:
            choices = tuple((str(value), str(label)) for value, label in record["choices"])
            return cls(
                record["value"],
                str(record["wording"]),
                choices,
                str(record["language"]),
                str(record["typed_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnknownRecord(f"not an answer: {error}") from None

    @property
    def values(self) -> list[str]:
        if isinstance(self.value, list):
            return [str(value) for value in self.value]
        return [str(self.value)] if self.value else []

    @property
    def lines(self) -> list[str]:
        """What was chosen or written, in the words that were shown."""
        labels = dict(self.choices)
        return [labels.get(value, value) for value in self.values]


@dataclass(frozen=True)
class Acquisition:
    """How an evidence item came in: the detail of its act. Sizes in bytes; `sha256` hex, of file or
    text as given.

    A file has a name, a size and no `text`; a link or account has its `text`.
    """

    item: str
    kind: str
    how: str
    sha256: str
    file_name: str = ""
    size: int = 0
    text: str = ""

    def to_record(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "item": self.item,
            "kind": self.kind,
            "how": self.how,
            "file_name": self.file_name,
            "size": self.size,
            "text": self.text,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Acquisition:
        _check_version(record)
        try:
            return cls(
                item=str(record["item"]),
                kind=str(record["kind"]),
                how=str(record["how"]),
                sha256=str(record["sha256"]),
                file_name=str(record["file_name"]),
                size=int(record["size"]),
                text=str(record["text"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnknownRecord(f"not an acquisition: {error}") from None


def _check_version(record: Any) -> None:
    version = record.get("version") if isinstance(record, dict) else None
    if version != VERSION:
        raise UnknownRecord(f"a record of version {version!r}")
