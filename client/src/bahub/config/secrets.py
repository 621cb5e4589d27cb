"""Secret keys: given as they are, through the environment, or as the path of a file (contract B 3.1)."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bahub.config.findings import Findings, Place, dotted
from bahub.config.replace import Replacer
from bahub.config.sections import Schema, secret_keys
from bahub.masking import Secret

_LARGEST = 64 * 1024
"""Bytes of a secret's file; whatever is larger was named by mistake."""
_UNKNOWN = "?"
"""Stands for a secret that could not be found out. The masking leaves alone what is so short, as it must leave the
`${NAME}` that the message about it names."""


class Secrets:
    """Settles the secrets of one file's entries."""

    def __init__(self, directory: Path, replacer: Replacer, findings: Findings) -> None:
        self._directory = directory
        self._replaced = replacer.replaced
        self._findings = findings
        self.literal: Place | None = None
        """Where the first secret stands in the file itself."""

    def settle(self, entry: Mapping[str, Any], schema: Schema, place: Place) -> dict[str, Any]:
        """Return an entry with the text of each secret in place of its file's path.

        The texts are known to the masking from here on; `hide` wraps them once the entry is checked.
        """
        result = dict(entry)
        for key in sorted(secret_keys(schema)):
            name = f"{key}_file"
            if name in result and name not in schema.get("properties", {}):
                path = result.pop(name)
                if key in result:
                    self._findings.settle((*place, name), f"and `{key}` are both given; give one of them")
                    continue
                result[key] = self._content((*place, name), path)
                if result[key] is None:
                    self._findings.settled.add((*place, key))
                    result[key] = _UNKNOWN
            elif isinstance(result.get(key), str) and self._findings.is_settled((*place, key)):
                result[key] = _UNKNOWN
            elif isinstance(result.get(key), str) and (*place, key) not in self._replaced:
                self.literal = self.literal or (*place, key)
            value = result.get(key)
            if isinstance(value, str):
                Secret(value)
                if any(character in value for character in "\0\r\n"):
                    self._findings.settle((*place, name if name in entry else key), "must be one line")
                    self._findings.settled.add((*place, key))
        return result

    def literal_path(self) -> str:
        """Write where the first literal secret stands."""
        return dotted(self.literal or ())

    def warn_if_readable(self, path: Path) -> None:
        """Warn of a secret's file that others can read."""
        if readable_by_others(path):
            self._findings.warnings.append(f"{path} holds a secret and others can read it; chmod 600 it")

    def path(self, text: str) -> Path:
        """Return a path of this machine, absolute; `~` is the home directory."""
        path = Path(text)
        try:
            path = path.expanduser()
        except RuntimeError:  # a user that does not exist, or no home
            return self._directory / path
        return self._directory / path

    def _content(self, place: Place, given: Any) -> str | None:
        """Read a secret's file, without one trailing line break; None where it cannot be read, which is noted."""
        if not isinstance(given, str) or not given:
            self._findings.settle(place, "must be the path of a file")
            return None
        if self._findings.is_settled(place):
            return None
        path = self.path(given)
        try:
            text = _read(path)
        except ValueError as error:
            self._findings.settle(place, f"{error}: {path}")
            return None
        self.warn_if_readable(path)
        return text


def _read(path: Path) -> str:
    """Read a secret's file, without one trailing line break.

    Raises:
        ValueError: it cannot be read, or holds none; the text says why.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if len(content) > _LARGEST:
        raise ValueError("is too large for a secret")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("does not hold text in UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError("holds nothing")
    return text


def hide(entry: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return an entry with its secrets as such."""
    secrets = secret_keys(schema)
    return {key: Secret(value) if key in secrets and isinstance(value, str) else value for key, value in entry.items()}


def readable_by_others(path: Path) -> bool:
    """Whether the group or everybody may read a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
