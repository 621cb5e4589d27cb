"""One setting after the other, in table order: its text, its value, its checks, and what is in effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup_repository.config.directories import examine
from backup_repository.config.sources import Source, Sources
from backup_repository.config.variable import Variable
from backup_repository.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting in effect."""

    variable: str
    text: str = field(repr=False)
    """The value as text; of a secret the secret itself."""
    source: Source
    secret: bool


class Reader:
    """Reads settings and remembers what is in effect."""

    def __init__(self, sources: Sources, cwd: Path, *, look: bool) -> None:
        """Prepare.

        Args:
            sources: where texts come from.
            cwd: the working directory.
            look: also look at the directories that values need.
        """
        self.sources = sources
        self.effective: list[Effective] = []
        self._cwd = cwd
        self._look = look

    def read(self, variable: Variable, above: Mapping[str, Any], *, used: bool = True) -> Any:
        """Return the value of a setting and add it to what is in effect.

        Args:
            variable: the setting.
            above: values already read, by name.
            used: whether the directory that the value needs will be used.

        Raises:
            ConfigurationError: the text is not accepted, or its directory cannot be used. Nothing of the text is told.
        """
        default = above[variable.default_of] if variable.default_of else variable.default
        given = self.sources.given(variable, default)
        try:
            value = self._value(variable, given.text)
            if variable.agree is not None:
                variable.agree(value, above)
            need = variable.need(value) if variable.need is not None and used and self._look else None
            if need is not None:
                examine(need, self._cwd)
        except ValueError as error:
            raise ConfigurationError(variable.name, f"{error}; accepted: {variable.accepted}") from None
        self.effective.append(Effective(variable.name, _shown(value, given.text), given.source, variable.secret))
        return value

    def _value(self, variable: Variable, text: str) -> Any:
        if not text and variable.required:
            raise ValueError("is required")
        value = variable.parse(text) if text else variable.empty
        return value if variable.place is None else variable.place(value, self._cwd)


def _shown(value: object, text: str) -> str:
    """Return the one way to write this value: equal settings read equal wherever they come from."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return ",".join(str(item) for item in value)
        case str():
            return value
        case _:
            return text
