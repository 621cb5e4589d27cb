"""JSON bodies: read bounded, parsed strictly, checked field by field (contract 1.1, 1.3, 1.4)."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request

from backup_repository.api.errors import ProtocolRefusal
from backup_repository.errors import FieldError, InvalidFields, MalformedRequest

MAX_JSON_BODY = 1024 * 1024
"""Bytes of a JSON body; more is 413."""

_BODY_SECONDS = 60
_WRONG_TYPE = 50002


class Form(BaseModel):
    """Base of all request bodies: camelCase keys, unknown ones ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        extra="ignore",
        strict=True,
        defer_build=True,  # a form is made ready for its first body: 1 MB less in a server at rest
    )

    reported_as: ClassVar[dict[str, str]] = {}
    """Fields whose errors stand under another name."""
    example: ClassVar[dict[str, Any]] = {}
    """A body that fits, for the API's description."""


_AnyForm = TypeVar("_AnyForm", bound=Form)


async def json_object(request: Request) -> dict[str, Any]:
    """Read the body, whatever its content type says, as one JSON object.

    Raises:
        MalformedRequest: not valid UTF-8, not valid JSON, empty, or no object (50000).
        ProtocolRefusal: larger than 1 MiB (413), or too slow (408).
    """
    body = await _read(request)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_int=_bounded_integer)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest from error
    if not isinstance(value, dict):
        raise MalformedRequest
    return value


def check(form: type[_AnyForm], body: dict[str, Any], *, now: datetime | None = None) -> _AnyForm:
    """Check every field of a body; forms with relative moments need now.

    Raises:
        InvalidFields: with the first broken rule of each field.
    """
    try:
        return form.model_validate(body, context={"now": now})
    except ValidationError as error:
        raise InvalidFields(_fields(form, error)) from error


def _fields(form: type[Form], error: ValidationError) -> dict[str, FieldError]:
    fields: dict[str, FieldError] = {}
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        # a broken default, which stands for a missing field, is reported under its name in Python
        path = ".".join(to_camel(part) for part in problem["loc"] if isinstance(part, str))
        code = int(problem["type"]) if problem["type"].isdecimal() else _WRONG_TYPE
        message = "This field is required" if problem["type"] == "missing" else problem["msg"]
        fields.setdefault(form.reported_as.get(path, path), FieldError(message, code))
    return fields


async def _read(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_JSON_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_JSON_BODY:
                    raise _too_large()
    except TimeoutError as error:
        raise ProtocolRefusal(408, "The request body did not arrive in time") from error
    except ClientDisconnect as error:
        raise MalformedRequest from error
    return bytes(body)


def _too_large() -> ProtocolRefusal:
    return ProtocolRefusal(413, f"A JSON body may have at most {MAX_JSON_BODY} bytes")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _bounded_integer(digits: str) -> int | float:
    """Read an integer; one beyond 64 bits becomes a float, which no field accepts."""
    longest = 20
    value = int(digits) if len(digits) <= longest else 2**64
    return value if -(2**63) <= value < 2**63 else float("inf")
