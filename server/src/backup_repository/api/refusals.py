"""How an operation refuses, for the API's description: the envelopes of contract 1.3 with its own codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backup_repository.api.codes import CODES
from backup_repository.api.described import JSON
from backup_repository.api.render import JsonObject
from backup_repository.api.shapes import always, integer, keyed, named, one_of, record, text

_BAD_REQUEST, _UNAUTHENTICATED = 400, 401

REFUSAL = named(
    "Refusal",
    record(
        {
            "error": text("No permission to create users").meaning("A sentence for a person; it may change"),
            "code": integer(40300).meaning("The stable number"),
            "type": one_of(*sorted({code.type for code in CODES.values()})),
        }
    ),
)
INVALID_FIELDS = named(
    "InvalidFields",
    record(
        {
            "error": always("JSON payload validation error"),
            "fields": keyed(
                "email", record({"message": text("Invalid e-mail format"), "code": integer(40005)}), minProperties=1
            ).meaning("Every wrong field with its first broken rule"),
            "type": always("validation.error"),
        }
    ),
)
UNAUTHENTICATED = named(
    "Unauthenticated",
    record(
        {
            "code": always(401),
            "message": text("JWT Token not found"),
            "error": text("JWT Token not found").meaning("The same as `message`"),
            "type": always("request.auth-error"),
        }
    ),
)
NAMED = {**REFUSAL.named, **INVALID_FIELDS.named, **UNAUTHENTICATED.named}
"""The components that refusals refer to."""

_HEADERS = {
    401: {"WWW-Authenticate": "`Bearer`"},
    416: {"Content-Range": "How many bytes there are"},
    429: {"Retry-After": "Seconds to wait"},
}

FieldCodes = Mapping[str, Sequence[int]]
"""What may be wrong with each field, by the name under which it is reported."""


def examples(codes: Iterable[int]) -> dict[str, JsonObject]:
    """One example of a refusal by each code, as a component of its number."""
    return {str(code): {"summary": CODES[code].meaning, "value": _example(code)} for code in sorted(codes)}


@dataclass(frozen=True, slots=True)
class Refusals:
    """How an operation refuses with one status."""

    status: int
    codes: tuple[int, ...]
    """In ascending order."""
    fields: FieldCodes
    """Empty: no field is judged."""

    @property
    def name(self) -> str:
        """What a response like this is called among the components."""
        return "-".join(map(str, ("Refused", self.status, *self.codes)))

    def response(self) -> JsonObject:
        """Describe it."""
        lines = [f"- `{code}` {CODES[code].meaning}" for code in self.codes]
        shown: JsonObject = {str(code): {"$ref": f"#/components/examples/{code}"} for code in self.codes}
        variants = [_schema(self.status, self.codes)] if self.codes else []
        if self.fields:
            lines.insert(0, "- fields that break a rule, all at once")
            shown = {"fields": _fields_example(self.fields), **shown}
            variants.insert(0, _fields_schema(self.fields))
        schema = variants[0] if len(variants) == 1 else {"anyOf": variants}
        response = {
            "description": "Refused:\n\n" + "\n".join(lines),
            "headers": headers(_HEADERS.get(self.status, {})),
            "content": {JSON: {"schema": schema, "examples": shown}},
        }
        return {key: value for key, value in response.items() if value}


def refusals(codes: Iterable[int], fields: FieldCodes) -> list[Refusals]:
    """Sort the codes of an operation by status; broken fields are 400."""
    by_status: dict[int, list[int]] = {_BAD_REQUEST: []} if fields else {}
    for code in sorted(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return [
        Refusals(status, tuple(found), fields if status == _BAD_REQUEST else {})
        for status, found in sorted(by_status.items())
    ]


def headers(meanings: Mapping[str, str]) -> JsonObject:
    """Describe headers of a response."""
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()}


def _schema(status: int, codes: Sequence[int]) -> JsonObject:
    if status == _UNAUTHENTICATED:
        return UNAUTHENTICATED.schema
    return {"allOf": [REFUSAL.schema, {"properties": {"code": {"enum": list(codes)}}}]}


def _fields_schema(fields: FieldCodes) -> JsonObject:
    described = {name: {"properties": {"code": {"enum": list(dict.fromkeys(codes))}}} for name, codes in fields.items()}
    narrowed = {"properties": {"fields": {"properties": described, "additionalProperties": False}}}
    return {"allOf": [INVALID_FIELDS.schema, narrowed]}


def _fields_example(fields: FieldCodes) -> JsonObject:
    name, codes = next(iter(fields.items()))
    problem = {"message": _sentence(CODES[codes[0]].meaning), "code": codes[0]}
    value: dict[str, Any] = {**INVALID_FIELDS.example, "fields": {name: problem}}
    return {"summary": "fields that break a rule", "value": value}


def _example(code: int) -> JsonObject:
    if code == _UNAUTHENTICATED:
        return dict(UNAUTHENTICATED.example)
    return {"error": _sentence(CODES[code].meaning), "code": code, "type": CODES[code].type}


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]
