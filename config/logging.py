"""Logs that cannot carry a report: a fixed event name, and only the fields named here.

A log line is JSON. Arguments of a message, request paths with what was typed into them, and the
texts of exceptions are never written: an exception is its type and the lines of code it passed
through.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

FIELDS = ("report", "case", "item", "event", "job", "count", "seconds", "status_code", "reason")

# Who writes templates and not sentences with a visitor's words already in them.
_TEMPLATES_OF = ("holdfast", "django", "uvicorn", "celery")
_SENTENCES_OF = ("django.security", "celery.redirected")  # the refused Host header, for one


def _writes_templates(logger: str) -> bool:
    return logger.startswith(_TEMPLATES_OF) and not logger.startswith(_SENTENCES_OF)


class AllowListFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            # The template of the message, never its arguments. Other libraries may have filled it
            # in already.
            "message": record.msg
            if isinstance(record.msg, str) and _writes_templates(record.name)
            else "",
        }
        line |= {name: str(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            ours = [frame for frame in frames if "site-packages" not in frame.filename]
            line["where"] = [f"{frame.filename}:{frame.lineno}" for frame in [*ours, frames[-1]]]
        return json.dumps(line)


CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": AllowListFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "ERROR", "propagate": True},
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
        "fontTools": {"level": "ERROR"},
        "weasyprint": {"level": "ERROR"},
    },
}
