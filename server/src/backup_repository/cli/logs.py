"""What a serving process writes to stderr: a line per request, warnings and errors, as text or JSON (contract B 2.3).

A record may carry `fields`, a mapping of more than the message says. Who logs keeps secrets out: the line of a request
names its route, never the query string or a header.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

_REQUESTS = "backup_repository.requests"


class LogFormat(StrEnum):
    """The form of a log line."""

    TEXT = "text"
    JSON = "json"


class TextLines(logging.Formatter):
    """Time in UTC, level, logger, message and `name=value` of each field; a traceback below it."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Write the line itself."""
        pairs = (f" {name}={value}" for name, value in _fields(record).items())
        return super().formatMessage(record) + "".join(pairs)


class JsonLines(TextLines):
    """A JSON document a line: `time`, `level`, `logger`, `message`, each field, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_config(form: LogFormat) -> dict[str, Any]:
    """Return the settings of `logging` for a serving process; they survive pickling."""
    formatter = JsonLines if form is LogFormat.JSON else TextLines
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__name__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {_REQUESTS: {"level": "INFO"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields
