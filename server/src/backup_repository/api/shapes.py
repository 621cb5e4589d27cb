"""What JSON looks like: a schema, an example that fits it, and the named schemas they lean on. Pure.

A shape is put together from smaller ones, schema and example at once, so that neither can be without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from backup_repository.api.render import JsonObject

_COMPONENTS = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of value."""

    schema: JsonObject
    """JSON Schema 2020-12, as OpenAPI 3.1 takes it; empty for bytes."""
    example: Any = None
    named: Mapping[str, JsonObject] = field(default_factory=dict)
    """The schemas of components that `schema` refers to, directly or not, by their names."""

    def meaning(self, text: str) -> Shape:
        """The same shape with a sentence about what the value says."""
        return replace(self, schema={**self.schema, "description": text})


BYTES = Shape({})
"""Anything at all, not JSON."""


def text(example: str, **rules: Any) -> Shape:
    """A string; the rules are keywords of JSON Schema."""
    return Shape({"type": "string", **rules}, example)


def integer(example: int, **rules: Any) -> Shape:
    """A whole number; the rules are keywords of JSON Schema."""
    return Shape({"type": "integer", **rules}, example)


def flag(*, example: bool) -> Shape:
    """True or false."""
    return Shape({"type": "boolean"}, example)


def always(value: str | bool | int) -> Shape:
    """The same value every time."""
    return Shape({"const": value}, value)


def one_of(*values: str) -> Shape:
    """One of a few texts; the first is the example."""
    return Shape({"type": "string", "enum": list(values)}, values[0])


def listed(item: Shape, **rules: Any) -> Shape:
    """A list of one kind of value; the rules are keywords of JSON Schema."""
    return Shape({"type": "array", "items": item.schema, **rules}, [item.example], item.named)


def record(properties: Mapping[str, Shape], optional: Iterable[str] = ()) -> Shape:
    """An object with these properties, all of them there unless named as optional; it may gain further ones."""
    named: dict[str, JsonObject] = {}
    for shape in properties.values():
        named |= shape.named
    left_out = set(optional)
    schema = {
        "type": "object",
        "properties": {name: shape.schema for name, shape in properties.items()},
        "required": [name for name in properties if name not in left_out],
    }
    return Shape(schema, {name: shape.example for name, shape in properties.items()}, named)


def keyed(key: str, value: Shape, **rules: Any) -> Shape:
    """An object whose keys are data; one key is the example. The rules are keywords of JSON Schema."""
    schema = {"type": "object", "additionalProperties": value.schema, **rules}
    return Shape(schema, {key: value.example}, value.named)


def nullable(shape: Shape) -> Shape:
    """A string or number, or null."""
    return replace(shape, schema={**shape.schema, "type": [shape.schema["type"], "null"]})


def named(name: str, shape: Shape) -> Shape:
    """Put a shape among the components under a name, and refer to it."""
    return Shape({"$ref": _COMPONENTS + name}, shape.example, {**shape.named, name: shape.schema})
