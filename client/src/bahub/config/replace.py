"""`${NAME}` in texts, from the environment (contract B 3.1).

Replaced values are not looked through again, and keys of mappings are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bahub.config.findings import Findings, Place

_MARK = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<name>[^{}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Replacer:
    """Replaces names in the texts of one file."""

    def __init__(self, environment: Mapping[str, str], directory: Path, findings: Findings) -> None:
        self._values = {**environment, "CONFIG_DIR": str(directory)}
        self._findings = findings
        self.replaced: set[Place] = set()
        """Where something was replaced: such texts may stand for numbers, and are no literal secrets."""

    def value(self, value: Any, place: Place = ()) -> Any:
        """Return a value with every text in it replaced; names without a value are problems."""
        if isinstance(value, dict):
            return {key: self.value(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*place, position)) for position, item in enumerate(value)]
        return self._text(value, place) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, place: Place) -> str:
        unresolved: list[str] = []
        malformed: list[str] = []

        def one(found: re.Match[str]) -> str:
            if found["literal"]:
                return "${"
            name = found["name"]
            if not found["end"] or not _NAME.fullmatch(name):
                malformed.append(found[0])
            elif name not in self._values:
                unresolved.append(f"${{{name}}}")
            else:
                self.replaced.add(place)
                return self._values[name]
            return found[0]

        result = _MARK.sub(one, text)
        if unresolved:
            names = ", ".join(dict.fromkeys(unresolved))
            verb = "is" if len(set(unresolved)) == 1 else "are"
            self._findings.settle(place, f"{names} {verb} not set in the environment")
        elif malformed:
            self._findings.settle(
                place, f"`{malformed[0]}` names no variable; for a `${{` that is meant literally write `$${{`"
            )
        return result
