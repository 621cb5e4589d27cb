"""What `config show` shows: every setting in effect, without its secrets (contract B 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.config.load import Loaded
from backup_repository.config.reader import Effective

MASK = "********"
"""What stands for a secret, whatever its length."""
EMPTY = "(empty)"
"""What stands for a secret that is not set."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as a person may see it."""

    variable: str
    value: str
    source: str
    """`default`, `environment` or `file`."""


def show_rows(loaded: Loaded) -> tuple[Row, ...]:
    """Return a row per setting in table order, secrets masked."""
    return tuple(Row(setting.variable, _value(setting), str(setting.source)) for setting in loaded.sources)


def _value(setting: Effective) -> str:
    if not setting.secret:
        return setting.text
    return MASK if setting.text else EMPTY
