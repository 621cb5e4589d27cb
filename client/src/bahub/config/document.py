"""YAML text as plain values, and the line of each (contract B 3.1).

Nothing is constructed but texts, numbers, booleans, lists and mappings. Plain scalars mean what YAML 1.2 says: only
`true` and `false` are booleans, a date or `12:30` is a text. Duplicate keys, tags and merge keys are problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from bahub.config.findings import Findings, Place

_MOST_NODES = 20_000
"""Aliases can make a short text endless; no honest configuration comes near."""
_CORE = "tag:yaml.org,2002:"
_PLAIN: tuple[tuple[str, str, str], ...] = (
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$", "-+0123456789"),
)
"""What a scalar without quotes may be besides a text: tag, pattern, first characters."""


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2 does; its constructors are never asked."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the base class has it


for _name, _pattern, _first in _PLAIN:
    for _character in _first:
        _Loader.yaml_implicit_resolvers.setdefault(_character.replace("\0", ""), []).append(
            (_CORE + _name, re.compile(_pattern))
        )


@dataclass(slots=True)
class Document:
    """What a text says."""

    data: Mapping[str, Any]
    """The whole mapping; empty when the text could not be read."""
    lines: dict[Place, int] = field(default_factory=dict)
    """The line of each key and list item, counted from 1."""


def read(text: str, findings: Findings) -> Document:
    """Read one YAML document; every mistake goes to the findings, with its place and line."""
    document = Document({})
    findings.lines = document.lines
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "cannot be read"
        findings.add((), f"is not YAML: {what}", line=None if mark is None else mark.line + 1)
        return document
    except yaml.YAMLError:
        findings.add((), "is not YAML: it holds a character that no text has")
        return document
    if root is None:
        findings.add((), "is empty")
        return document
    value = _Builder(document.lines, findings).value(root, ())
    if isinstance(value, dict):
        document.data = value
    else:
        findings.add((), "must be a mapping of sections (`backups:` and so on)")
    return document


class _Builder:
    def __init__(self, lines: dict[Place, int], findings: Findings) -> None:
        self._lines = lines
        self._findings = findings
        self._left = _MOST_NODES
        self._open: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        """Return what a node means; None where it is a problem."""
        self._left -= 1
        if self._left == 0:
            self._findings.add((), "is too large: aliases multiply it")
        if self._left <= 0:
            return None
        if id(node) in self._open:
            self._findings.settle(place, "is an alias of what it stands in")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_CORE}map":
                return dict(self._entries(node, place))
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_CORE}seq":
                return list(self._items(node, place))
            return self._scalar(node, place)
        finally:
            self._open.discard(id(node))

    def _entries(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._findings.add(place, "holds a key that is no text", line=line)
                continue
            key = key_node.value
            if key == "<<":
                self._findings.add(place, "holds a merge key (`<<`), which is not supported: write the keys out", line)
                continue
            if key in seen:
                self._findings.add((*place, key), f"is there twice, first in line {seen[key]}", line)
                continue
            seen[key] = line
            self._lines[(*place, key)] = line
            yield key, self.value(value_node, (*place, key))

    def _items(self, node: yaml.SequenceNode, place: Place) -> Iterator[Any]:
        for position, item in enumerate(node.value):
            self._lines[(*place, position)] = item.start_mark.line + 1
            yield self.value(item, (*place, position))

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        text = str(node.value)
        name = node.tag.removeprefix(_CORE)
        if not isinstance(node, yaml.ScalarNode) or name not in {"str", "null", "bool", "int", "float"}:
            self._findings.settle(place, "has a tag (`!...`), which is not supported")
            return None
        try:
            if name == "int":
                return int(text)
            if name == "float":
                return float(text)
        except ValueError:
            self._findings.add(place, f"is no {name}", node.start_mark.line + 1)
            return None
        if name == "bool":
            return text.lower() == "true"
        return text if name == "str" else None
