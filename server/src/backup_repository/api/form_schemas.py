"""What the forms take, as JSON Schema, for the API's description: Pydantic's own schemas, tidied."""

from __future__ import annotations

from typing import Any

from backup_repository.api import schemas
from backup_repository.api.body import Form
from backup_repository.api.fields import ERROR_CODES
from backup_repository.api.render import JsonObject

_REFERENCE = "#/components/schemas/{model}"
_WRONG_TYPE = 50002
_ALL_PERMISSIONS = schemas.PERMISSION.named["Permission"]["enum"]


def components_of(form: type[Form]) -> dict[str, JsonObject]:
    """Give the schemas of a form and of the forms inside it, by their names."""
    schema, inner = _generated(form)
    return {form.__name__: schema, **inner}


def field_codes(form: type[Form]) -> dict[str, tuple[int, ...]]:
    """Give what may be wrong with each field, by the name under which it is reported."""
    schema, inner = _generated(form)
    found: dict[str, tuple[int, ...]] = {}

    def collect(properties: JsonObject, prefix: str) -> None:
        for name, described in properties.items():
            reported = form.reported_as.get(prefix + name, prefix + name)
            found[reported] = (*found.get(reported, ()), *described.get(ERROR_CODES, ()), _WRONG_TYPE)
            for inner_name, inner_schema in inner.items():
                if _REFERENCE.format(model=inner_name) in _references(described):
                    collect(inner_schema["properties"], f"{prefix}{name}.")

    collect(schema["properties"], "")
    return found


def _generated(form: type[Form]) -> tuple[JsonObject, dict[str, JsonObject]]:
    schema = form.model_json_schema(ref_template=_REFERENCE)
    inner = {name: _tidied(part) for name, part in schema.pop("$defs", {}).items()}
    # a missing field that has a code of its own stands in the form with a default that breaks its rule
    needed = [form.model_fields[name].alias or name for name in form.model_fields if _is_needed(form, name)]
    schema["required"] = [name for name in schema["properties"] if name in {*needed, *schema.get("required", ())}]
    return _tidied(schema), inner


def _is_needed(form: type[Form], name: str) -> bool:
    return form.model_fields[name].validate_default is True


def _tidied(schema: JsonObject) -> JsonObject:
    """Drop what Pydantic adds for programmers: titles, docstrings of forms, defaults that stand for absence."""
    tidied: JsonObject = _without_noise(schema)
    tidied.pop("description", None)
    if not tidied.get("required", True):
        del tidied["required"]
    return tidied


def _without_noise(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_noise(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("enum") == _ALL_PERMISSIONS:
        return schemas.PERMISSION.schema  # Pydantic cannot refer to a component that is not its own
    return {key: _without_noise(value) for key, value in node.items() if not _is_noise(key, value)}


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if "$ref" in node else set()
    return own.union(*map(_references, node.values()))
