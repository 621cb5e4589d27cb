"""What one setting is: its name, default and meaning, and how its text becomes a checked value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup_repository.config.directories import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting; every hook raises ValueError with what is wrong, never with the value itself."""

    name: str
    """Name of the variable, or in an adapter's table the last part of `FS_<NAME>_<KEY>`."""
    default: str
    """The built-in default as an operator would write it."""
    accepted: str
    """What is accepted, ending the line "configuration: NAME: <problem>; accepted: "."""
    meaning: str
    """One sentence for the operator."""
    parse: Callable[[str], Any]
    """Text, which is never empty, to value."""
    empty: Any = ""
    """The value when neither text nor default is given."""
    secret: bool = False
    """The value is never shown, and may be given as `<NAME>_FILE`."""
    required: bool = False
    """An adapter's key that has no default."""
    listed: bool = False
    """Comma-separated; a TOML array of texts means the same."""
    default_of: str = ""
    """The variable whose value is the default."""
    place: Callable[[Any, Path], Any] | None = None
    """Makes the value independent of the working directory, which is the second argument."""
    agree: Callable[[Any, Mapping[str, Any]], None] | None = None
    """Checks the value against those of the variables above it."""
    need: Callable[[Any], Need | None] | None = None
    """The directory that has to be there for this value."""

    @property
    def file_name(self) -> str:
        """The variable that names a file with the value; only secrets have one."""
        return f"{self.name}_FILE"
