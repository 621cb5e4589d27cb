"""The types of fields in request bodies, each with the contract's leniencies and codes (contract 1.1, 5.2, 6.2, 6.3).

An error's code travels as the type of Pydantic's custom error; anything without one is 50002.
What a type takes in JSON stands beside it as a schema, for the API's description: `shown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from backup_repository.access.model import COLLECTION_PERMISSIONS, Permission
from backup_repository.errors import FieldError
from backup_repository.sizes import MAX_SIZE, parse_size

JsonSchema = dict[str, Any]
"""What a value may be, in the words of JSON Schema."""

TEXT: JsonSchema = {"type": "string"}
OPTIONAL_TEXT: JsonSchema = {"type": ["string", "null"]}
TEXTS: JsonSchema = {"type": ["array", "null"], "items": TEXT}
PERMISSIONS: JsonSchema = {"type": ["array", "null"], "items": {"type": "string", "enum": [*map(str, Permission)]}}
COLLECTION_GRANTS: JsonSchema = {
    **PERMISSIONS,
    "items": {"type": "string", "enum": [*map(str, COLLECTION_PERMISSIONS)]},
}
CHOSEN_ID: JsonSchema = {**OPTIONAL_TEXT, "pattern": "^$|^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"}
INTEGER: JsonSchema = {"type": ["integer", "string"], "pattern": "^-?[0-9]{1,20}$"}
"""An integer, or a string of digits: a pattern judges strings alone."""
SIZE: JsonSchema = {
    "type": ["integer", "string"],
    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeEzZyY]?[bB]|[kKmMgGtTpPeEzZyY][iI][bB])?\s*$",
    "maxLength": 100,
    "minimum": 0,
    "maximum": MAX_SIZE,
}

ERROR_CODES = "x-error-codes"
"""The keyword under which a field's schema lists what may be wrong with it, besides its type (50002)."""

_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


def shown(schema: JsonSchema, meaning: str, *codes: int, **rules: Any) -> WithJsonSchema:
    """Say what a field takes and what may be wrong with it.

    Args:
        schema: the type, out of those above.
        meaning: what the field is for.
        codes: what else than its type may be wrong.
        rules: further keywords of JSON Schema.
    """
    return WithJsonSchema({**schema, **rules, "description": meaning} | ({ERROR_CODES: list(codes)} if codes else {}))


def broken(problem: FieldError) -> PydanticCustomError:
    """Turn a broken rule into Pydantic's error; without a context its text is no template."""
    return PydanticCustomError(str(problem.code), problem.message)


def wrong_type(expected: str) -> PydanticCustomError:
    """A value of the wrong type."""
    return broken(FieldError(f"This value must be {expected}", 50002))


def is_text(value: object) -> bool:
    """Whether a JSON value is a string without U+0000 and lone surrogates."""
    return isinstance(value, str) and "\0" not in value and _SURROGATE.search(value) is None


def _text(value: object) -> str:
    if not isinstance(value, str) or not is_text(value):
        raise wrong_type("a text")
    return value


def parse_integer(value: object) -> int:
    """Read an integer or a string of digits.

    Raises:
        PydanticCustomError: it is neither, or beyond 64 bits.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise wrong_type("an integer")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(is_text(item) for item in value):
        raise wrong_type("a list of texts")
    return tuple(value)


def _size(value: object) -> int:
    try:
        if isinstance(value, str):
            return parse_size(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    except ValueError:
        pass
    raise broken(FieldError("Disk space format parsing error, expected for example 1.5GB", 42010))


def checked_text(rule: Callable[[str | None], FieldError | None]) -> PlainValidator:
    """A required text under a rule of the domain; null and absent are the rule's None."""

    def read(value: object) -> str:
        text = None if value is None else _text(value)
        _hold(rule(text))
        return text or ""

    return PlainValidator(read)


def optional_text(rule: Callable[[str], FieldError | None]) -> PlainValidator:
    """An optional text under a rule of the domain; null is the empty one."""

    def read(value: object) -> str:
        text = "" if value is None else _text(value)
        _hold(rule(text))
        return text

    return PlainValidator(read)


def required_text(rule: Callable[[str], FieldError | None]) -> PlainValidator:
    """A required text under a rule of the domain; null is no text."""

    def read(value: object) -> str:
        text = _text(value)
        _hold(rule(text))
        return text

    return PlainValidator(read)


def checked_integer(rule: Callable[[int], FieldError | None], *, null_is: int | None = None) -> PlainValidator:
    """An integer under a rule of the domain."""

    def read(value: object) -> int:
        number = parse_integer(null_is if value is None else value)
        _hold(rule(number))
        return number

    return PlainValidator(read)


def checked_texts(rule: Callable[[tuple[str, ...]], FieldError | None]) -> PlainValidator:
    """A list of texts under a rule of the domain; null is the empty list."""

    def read(value: object) -> tuple[str, ...]:
        texts = _texts(value)
        _hold(rule(texts))
        return texts

    return PlainValidator(read)


def _hold(problem: FieldError | None) -> None:
    if problem is not None:
        raise broken(problem)


Text = Annotated[str, PlainValidator(_text), WithJsonSchema(TEXT)]
"""A string without U+0000."""
OptionalText = Annotated[
    str, PlainValidator(lambda value: "" if value is None else _text(value)), WithJsonSchema(OPTIONAL_TEXT)
]
"""A string; null is the empty one."""
Texts = Annotated[tuple[str, ...], PlainValidator(_texts), WithJsonSchema(TEXTS)]
"""A list of strings; null is the empty one."""
Size = Annotated[int, PlainValidator(_size), WithJsonSchema(SIZE)]
"""A size in bytes, given as integer or text; missing is 42010 like anything that is no size."""
ChosenId = Annotated[
    str | None,
    PlainValidator(lambda value: None if value in (None, "") else _text(value)),
    WithJsonSchema(OPTIONAL_TEXT),
]
"""An optional identifier; `""` and null count as absent."""
