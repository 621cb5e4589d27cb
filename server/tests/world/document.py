"""The API's description, for tests that walk through it or hold answers against it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from jsonschema_rs import Draft202012Validator

from backup_repository.api.app import description

JsonObject = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PART = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Described:
    """One operation of the description."""

    method: str
    """In upper case."""
    path: str
    """With `{name}` for its variable parts."""
    details: JsonObject

    @property
    def id(self) -> str:
        """Its `operationId`."""
        name: str = self.details["operationId"]
        return name

    @property
    def schemes(self) -> frozenset[str]:
        """The names of what protects it; empty: public."""
        return frozenset(name for scheme in self.details["security"] for name in scheme)

    @property
    def writes(self) -> bool:
        """Whether it is refused on a read-only instance, by its own account."""
        return "42005" in json.dumps(self.details["responses"].get("503", {}))

    @property
    def example(self) -> Any:
        """The example of its JSON body; None: it takes none."""
        content = self.details.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("example")

    def at(self, **parts: str) -> str:
        """Fill the variable parts in."""
        return _PART.sub(lambda part: parts[part[1]], self.path)


@functools.cache
def document() -> JsonObject:
    """The description as it is served."""
    parsed: JsonObject = json.loads(description())
    return parsed


def operations() -> list[Described]:
    """Every operation, in the order of the document."""
    return [
        Described(method.upper(), path, details)
        for path, item in document()["paths"].items()
        for method, details in item.items()
        if method in _METHODS
    ]


def closed(node: Any) -> Any:
    """Forbid what an object may gain in later releases, so that nothing undescribed passes unseen."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    is_record = node.get("type") == "object" and "properties" in node and "additionalProperties" not in node
    return inner | ({"additionalProperties": False} if is_record else {})


def validator(schema: JsonObject, *, exact: bool = False) -> Draft202012Validator:
    """Judge values by a schema that may refer to the components; exactly: what is not described is forbidden."""
    whole = {**schema, "components": {"schemas": document()["components"]["schemas"]}}
    return Draft202012Validator(closed(whole) if exact else whole)


def undescribed(answer: httpx.Response) -> list[str]:
    """Hold an answer against the description; nothing to say is an empty list.

    Unknown paths, methods that are not offered and OPTIONS are no operations: 404, 405 and 204 are taken for granted.
    """
    method = "get" if answer.request.method == "HEAD" else answer.request.method.lower()
    path = next(filter(None, (_matched(answer.request.url.path, path) for path in document()["paths"])), None)
    operation = document()["paths"].get(path, {}).get(method)
    if operation is None:
        expected = {"options": {204}}.get(method, {405}) if path else {404}
        return [] if answer.status_code in {*expected, 400} else [f"{answer.status_code} from no operation"]
    responses = operation["responses"]
    if str(answer.status_code) not in responses:
        return [f"{operation['operationId']} does not describe {answer.status_code}"]
    content = _resolved(responses[str(answer.status_code)]).get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if answer.request.method == "HEAD" or (not content and not answer.content):
        return []
    if media_type not in content:
        return [f"{operation['operationId']} does not describe {media_type!r} for {answer.status_code}"]
    if media_type != "application/json":
        return []
    judge = _judge(path or "", method, str(answer.status_code))
    return [
        f"{operation['operationId']} {answer.status_code}: {error.message}"
        for error in judge.iter_errors(answer.json())
    ]


@functools.cache
def _judge(path: str, method: str, status: str) -> Draft202012Validator:
    response = _resolved(document()["paths"][path][method]["responses"][status])
    return validator(response["content"]["application/json"]["schema"], exact=True)


def _resolved(response: JsonObject) -> JsonObject:
    name = response.get("$ref", "").rpartition("/")[2]
    resolved: JsonObject = document()["components"]["responses"][name] if name else response
    return resolved


def _matched(path: str, template: str) -> str | None:
    return template if _pattern(template).fullmatch(path) else None


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    naming = "(versions?|backups?)"
    return re.compile("".join(_pieces(template, naming)))


def _pieces(template: str, naming: str) -> Iterator[str]:
    for position, piece in enumerate(_PART.split(template)):
        if position % 2 == 0:
            yield re.escape(piece)
        else:
            yield naming if piece == "naming" else "[^/]+"
