"""Configuration files: `NAME=value` lines, or TOML with nested tables joined by `_` (contract B 1.1).

Both become a mapping from variable to text. Messages name the file and the line, never what stands there: it may be a
secret.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from backup_repository.errors import ConfigurationError

_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*=(.*)", re.ASCII | re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'([^']*)'(?:\s+#.*)?\s*", re.DOTALL)
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s+#.*)?\s*', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\$`])')
_COMMENT = re.compile(r"\s+#.*", re.DOTALL)
_TOML_PLACE = re.compile(r"\(at (line \d+, column \d+|end of document)\)")


def parse_lines(text: str, file: str) -> dict[str, str]:
    r"""Read `NAME=value` lines; of a name that stands twice the last one counts, as in a shell.

    A line that begins with `#` is a comment, and so is the rest of a line from a `#` after a space. Between single
    quotes everything is literal; between double quotes `\"`, `\\`, `\$` and `` \` `` lose the backslash. Nothing is
    substituted and a value ends with its line.

    Raises:
        ConfigurationError: a line is no assignment, or a quotation does not end.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is None:
            raise ConfigurationError(file, f"line {number} is not an assignment; accepted: NAME=value")
        value = _unquoted(assignment[2])
        if value is None:
            raise ConfigurationError(
                file,
                f"line {number} has a misplaced quotation mark; accepted: NAME=value, NAME=\"value\", NAME='value'",
            )
        values[assignment[1]] = value
    return values


def _unquoted(text: str) -> str | None:
    """Return the value that an assignment's right side means, or None when its quotation does not end properly."""
    begun = text.lstrip()
    if begun.startswith("'"):
        single = _SINGLE_QUOTED.fullmatch(begun)
        return None if single is None else single[1]
    if begun.startswith('"'):
        double = _DOUBLE_QUOTED.fullmatch(begun)
        return None if double is None else _ESCAPED.sub(r"\1", double[1])
    return _COMMENT.sub("", text, count=1).strip()


def parse_toml(text: str, file: str, listed: frozenset[str]) -> dict[str, str | None]:
    """Read TOML; a value that no setting can have (a date, an array of tables) becomes None.

    Args:
        text: the document.
        file: what messages call it.
        listed: variables for which an array of texts means a comma list.

    Raises:
        ConfigurationError: the document is not TOML, or two keys name the same variable.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        raise ConfigurationError(file, f"is not valid TOML at {place[1] if place else 'some line'}") from None
    values: dict[str, str | None] = {}
    for name, value in _leaves(document, ""):
        if name in values:
            raise ConfigurationError(name, f"is given twice in {file}; accepted: one of them")
        values[name] = _toml_text(value, listed=name in listed)
    return values


def _leaves(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{path}{key.upper()}"
        if isinstance(value, dict):
            yield from _leaves(value, f"{name}_")
        else:
            yield name, value


def _toml_text(value: object, *, listed: bool) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() if listed and all(isinstance(item, str) for item in value):
            return ",".join(value)
        case _:
            return None
