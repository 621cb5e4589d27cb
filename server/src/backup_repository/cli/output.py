"""The terminal rules (contract B 2.1).

* Results go to stdout, everything else to stderr.
* `--json` prints exactly one JSON document on stdout, snake_case keys, full values.
* Without it a creating command prints the new id, and listings are aligned tables; what people wrote is printed without
  characters that a terminal would obey.
* A refused value prints a heading, then one line per field or one line for the refusal.
* Exit codes: 0 done, 1 refused or failed, 2 usage, 78 configuration.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from backup_repository.errors import ConfigurationError, DomainError, InvalidFields

DONE, FAILED, USAGE, CONFIGURATION = 0, 1, 2, 78
"""Exit codes."""


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Print a line that is not the result."""
    sys.stderr.write(f"{text}\n")


def say_json(document: Any) -> None:
    """Print the one JSON document of a command."""
    say(_as_json(document))


class JsonList:
    """The one JSON document of a command that cannot hold all its items: printed one by one, whole after `close`."""

    def __init__(self) -> None:
        self._before = "["

    def add(self, item: Any) -> None:
        """Print one more item."""
        say(self._before)
        sys.stdout.write(textwrap.indent(_as_json(item), "    "))
        self._before = ","

    def close(self) -> None:
        """Print the end."""
        say("[]" if self._before == "[" else "\n]")


def _as_json(document: Any) -> str:
    return json.dumps(document, indent=4, ensure_ascii=False)


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with aligned columns."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def printable(text: str) -> str:
    """Write control characters and the like escaped, so that a terminal shows them and does not obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def note_refusal(error: DomainError) -> None:
    """Explain a refusal, field by field."""
    note("Refused:")
    if isinstance(error, InvalidFields):
        note_fields({name: (field.message, field.code) for name, field in error.fields.items()})
    elif error.code is None:
        note(f" {error.message}")
    else:
        note(f" {error.message} (code: {error.code})")


def note_fields(fields: Mapping[str, tuple[str, int]]) -> None:
    """Explain refused fields, one line each."""
    for name, (message, code) in fields.items():
        note(f' Field "{name}": {message} (code: {code})')


def note_configuration(error: ConfigurationError) -> None:
    """Explain a wrong setting in exactly one line."""
    note(f"configuration: {error}")
