"""A value against a JSON Schema, explained in sentences for people (contract B 3.1).

Sentences never quote values, which may be secrets, except one-word choices of which the nearest is suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

from bahub.config.findings import Place
from bahub.config.sections import Schema, secret_keys

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}
"""Types as people call them."""


def mistakes(value: Any, schema: Schema) -> Iterator[tuple[Place, str]]:
    """Give every mistake in a value: where in it, and what is wrong."""
    for error in Draft202012Validator(schema).iter_errors(value):
        yield from _explained(error, schema)


def broken_schema(schema: Schema) -> str | None:
    """Say what is wrong with a schema itself; None when nothing is."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message
    return None


def nearest(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word as the end of a sentence; empty when none is near."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""


def one_of(words: Iterable[str]) -> str:
    """List what is accepted."""
    return f"accepted: {', '.join(f'`{word}`' for word in words)}"


def _explained(error: ValidationError, schema: Schema) -> Iterator[tuple[Place, str]]:
    place: Place = tuple(error.absolute_path)
    rule, demanded = str(error.validator), error.validator_value
    instance: Any = error.instance
    if rule == "required":
        keys: Any = demanded
        missing = next(key for key in keys if key not in instance and f"'{key}'" in error.message)
        yield place, f"`{missing}` is missing{_or_its_file(missing, schema if not place else {})}"
    elif rule == "additionalProperties" and isinstance(instance, Mapping):
        known = _known_keys(error.schema if isinstance(error.schema, Mapping) else {})
        for key in instance:
            if key not in known:
                yield (*place, key), f"is no known key{nearest(key, known) or _all_known(known)}"
    else:
        yield place, _sentence(rule, demanded, error)


def _known_keys(schema: Schema) -> list[str]:
    secrets = secret_keys(schema)
    known = []
    for key in schema.get("properties", {}):
        known += [key, f"{key}_file"] if key in secrets else [key]
    return known


def _all_known(known: list[str]) -> str:
    return f"; {one_of(known)}" if known else ": there are none"


def _or_its_file(key: str, schema: Schema) -> str:
    return f" (or `{key}_file`)" if key in secret_keys(schema) else ""


def _sentence(rule: str, demanded: Any, error: ValidationError) -> str:  # noqa: PLR0911 - one line for each rule
    described = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    match rule:
        case "type":
            return _wrong_type([demanded] if isinstance(demanded, str) else list(demanded), error.instance)
        case "enum":
            return _no_choice(demanded, error.instance)
        case "minimum":
            return f"must be at least {demanded}"
        case "maximum":
            return f"must be at most {demanded}"
        case "exclusiveMinimum":
            return f"must be more than {demanded}"
        case "minLength" | "minItems" if demanded == 1:
            return "must not be empty"
        case _:
            return f"must be {described}" if rule == "pattern" and described else _other(rule, demanded, described)


def _other(rule: str, demanded: Any, described: str | None) -> str:
    if described:
        return described
    if rule in {"anyOf", "oneOf", "allOf", "not"}:
        return "has a combination or form that is not accepted"
    return f"breaks the rule `{rule}: {demanded}`"


def _wrong_type(wanted: list[str], value: Any) -> str:
    sentence = f"must be {' or '.join(_TYPES.get(name, name) for name in wanted)}"
    if value is None and "null" not in wanted:
        return f"{sentence}; it is empty"
    if "string" in wanted and isinstance(value, bool | int | float):
        return f"{sentence}; put it in quotes"
    if "boolean" in wanted and isinstance(value, str) and value.lower() in {"yes", "no", "on", "off"}:
        return f"{sentence}, not `{value}`"
    return sentence


def _no_choice(accepted: list[Any], value: Any) -> str:
    words = [word for word in accepted if isinstance(word, str) and word]
    suggestion = nearest(value, words) if isinstance(value, str) else ""
    return f"is none of the known words{suggestion or f'; {one_of(words)}'}"
