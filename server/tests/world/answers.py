"""What an answer of the API says, in a form that tests can compare; and what every answer must look like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
"""How every date in every answer is written (contract 1.2)."""
_MOMENTS = frozenset({"created_at", "creation_date", "generated_at", "expiration", "expires", "date_added"})
_TYPES = frozenset(
    {"validation.error", "request.format-error", "request.auth-error", "app.not-found", "app.fatal-error"}
)
_OTHER_LAYOUT = frozenset({"maxPages", "perPageLimit"})
"""The keys of answers that are no snake_case (contract 1.2)."""
_NAMES_AS_KEYS = frozenset({"fields", "permissions", "all_permissions"})
"""Objects whose keys are names of fields or permissions (contract 1.2, 4.5)."""
_SNAKE = re.compile(r"[a-z0-9_]+", re.ASCII)
_FORBIDDEN = re.compile(r"Traceback|SELECT |INSERT |UPDATE |sqlalchemy|asyncpg|sqlite|/site-packages/|\.py\b")
"""What no error body may hold (contract 1.3)."""
_FIRST_ERROR = 400


Refusal: TypeAlias = tuple[int, int, str]
"""Status, code and type."""

NOT_FOUND: Refusal = (404, 404, "app.not-found")
READ_ONLY: Refusal = (503, 42005, "app.fatal-error")
NO_JSON: Refusal = (400, 50000, "request.format-error")


def denied(code: int) -> Refusal:
    """A refusal for want of a permission."""
    return 403, code, "request.auth-error"


def against_rules(code: int) -> Refusal:
    """A refusal by a business rule."""
    return 400, code, "validation.error"


def refusal(answer: httpx.Response) -> Refusal:
    """Give the status, the code and the type of a refusal (E2 to E7)."""
    body = answer.json()
    return answer.status_code, body["code"], body["type"]


def broken_fields(answer: httpx.Response) -> dict[str, int]:
    """Give the code of each broken field (E1); empty when the answer is no such refusal."""
    if answer.status_code != _FIRST_ERROR:
        return {}
    return {name: problem["code"] for name, problem in answer.json().get("fields", {}).items()}


def steady_headers(answer: httpx.Response) -> dict[str, str]:
    """Give the headers without the one that differs in every answer."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def faults(answer: httpx.Response) -> list[str]:
    """Hold an answer against what the contract says of all of them; nothing to say is an empty list."""
    if answer.headers.get("content-type") != "application/json" or not answer.content:
        return []
    text = answer.content.decode()
    document = json.loads(text)
    layouts = {json.dumps(document, indent=4, ensure_ascii=ascii_only) for ascii_only in (True, False)}
    found = [] if text in layouts else ["the layout is not four spaces and one space after each colon (1.2)"]
    if answer.request.url.path.endswith("/doc.json"):
        return found  # its keys are OpenAPI's
    for path, key, value in _leaves(document):
        if key in _MOMENTS and not (MOMENT.fullmatch(value) or (key == "expires" and value == "")):
            found.append(f"{key} is no moment: {value!r} (1.2)")
        named_elsewhere = key.isdecimal() or key in _OTHER_LAYOUT or not _NAMES_AS_KEYS.isdisjoint(path)
        if not named_elsewhere and not _SNAKE.fullmatch(key):
            found.append(f"{key} is no snake_case (1.2)")
    if answer.status_code >= _FIRST_ERROR and answer.request.url.path != "/health":
        found += _faults_of_refusal(answer.status_code, document)
        found += [f"an error body says {word!r} (1.3)" for word in _FORBIDDEN.findall(text)]
    return found


def _faults_of_refusal(status: int, body: dict[str, Any]) -> Iterator[str]:
    """Hold the body of an error against the envelopes of contract 1.3."""
    if body.get("type") not in _TYPES:
        yield f"the type is {body.get('type')!r}"
    if "fields" in body:
        if set(body) != {"error", "fields", "type"} or body["error"] != "JSON payload validation error":
            yield f"the envelope is no E1: {sorted(body)}"
        for name, problem in body["fields"].items():
            if set(problem) != {"message", "code"} or type(problem["code"]) is not int or not problem["message"]:
                yield f"the problem of {name} is {problem}"
        return
    wanted = {"code", "message", "error", "type"} if status == httpx.codes.UNAUTHORIZED else {"error", "code", "type"}
    if set(body) != wanted:
        yield f"the envelope has {sorted(body)}"
    if type(body.get("code")) is not int or not isinstance(body.get("error"), str) or not body["error"]:
        yield f"code and error are {body.get('code')!r} and {body.get('error')!r}"


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path, key, inner
            # permission names and texts of people may stand as keys of these
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
