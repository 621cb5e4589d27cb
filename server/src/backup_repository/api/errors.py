"""Kind → status and envelope, one table (contract 1.3)."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from backup_repository.api.render import json_response
from backup_repository.errors import DomainError, InvalidFields, Kind, NotFound, TooManyAttempts, Unauthenticated

_log = logging.getLogger(__name__)

_VALIDATION, _FORMAT, _AUTH, _MISSING, _FATAL = (
    "validation.error",
    "request.format-error",
    "request.auth-error",
    "app.not-found",
    "app.fatal-error",
)

_ENVELOPES: dict[Kind, tuple[int, str]] = {
    Kind.INVALID: (400, _VALIDATION),
    Kind.MALFORMED: (400, _FORMAT),
    Kind.UPLOAD: (400, _FATAL),
    Kind.UNAUTHENTICATED: (401, _AUTH),
    Kind.FORBIDDEN: (403, _AUTH),
    Kind.THROTTLED: (429, _AUTH),
    Kind.NOT_FOUND: (404, _MISSING),
    Kind.NO_SUCH_FILE: (404, _MISSING),
    Kind.UNAVAILABLE: (503, _FATAL),
    Kind.DATABASE_DOWN: (503, _FATAL),
    Kind.BROKEN: (500, _FATAL),
}


class ProtocolRefusal(Exception):
    """A refusal that HTTP itself knows: 400, 405, 408, 412, 413, 417, 431 (E6) and, for closed endpoints, 403 (E5).

    Attributes:
        status: the HTTP status, repeated as `code`.
        message: one sentence for a person.
        headers: what the answer carries besides.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class RangeNotSatisfiable(Exception):
    """The asked-for bytes lie beyond the file (contract 8.7, code 42006).

    Attributes:
        size: bytes of the whole file.
    """

    def __init__(self, size: int) -> None:
        super().__init__("The byte range cannot be satisfied")
        self.size = size


async def domain_error(request: Request, error: Exception) -> Response:
    """Render what the product refuses knowingly."""
    if not isinstance(error, DomainError):
        raise error
    request.app.state.instance.counters.failure(error)
    status, kind = _ENVELOPES[error.kind]
    if error.kind in {Kind.BROKEN, Kind.UNAVAILABLE, Kind.DATABASE_DOWN}:
        _log.warning("answered %d: %s", status, error.message, extra={"cause": type(error.__cause__).__name__})
    if isinstance(error, InvalidFields):
        fields = {name: {"message": field.message, "code": field.code} for name, field in error.fields.items()}
        return json_response({"error": error.message, "fields": fields, "type": kind}, status)
    body = {"error": error.message, "code": error.code, "type": kind}
    if isinstance(error, Unauthenticated):
        body = {"code": 401, "message": error.message, "error": error.message, "type": kind}
        return json_response(body, status, {"WWW-Authenticate": "Bearer"})
    if isinstance(error, TooManyAttempts):
        return json_response(body, status, {"Retry-After": str(error.retry_after)})
    return json_response(body, status)


async def protocol_refusal(_request: Request, error: Exception) -> Response:
    """Render a refusal that HTTP itself knows."""
    if not isinstance(error, ProtocolRefusal):
        raise error
    return refusal_response(error)


def refusal_response(refusal: ProtocolRefusal) -> Response:
    """Make the answer of a refusal that HTTP itself knows."""
    body = {"error": refusal.message, "code": refusal.status, "type": _FATAL}
    return json_response(body, refusal.status, refusal.headers)


async def range_not_satisfiable(_request: Request, error: Exception) -> Response:
    """Render a byte range that cannot be satisfied."""
    if not isinstance(error, RangeNotSatisfiable):
        raise error
    body = {"error": str(error), "code": 42006, "type": _FORMAT}
    return json_response(body, 416, {"Content-Range": f"bytes */{error.size}", "Accept-Ranges": "bytes"})


async def http_error(request: Request, error: Exception) -> Response:
    """Render the router's own refusals: unknown paths, methods that a path does not offer."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == http.HTTPStatus.NOT_FOUND:
        return await domain_error(request, NotFound())
    return refusal_response(ProtocolRefusal(error.status_code, str(error.detail), error.headers))


async def unexpected_error(_request: Request, _error: Exception) -> Response:
    """Render a failure nobody foresaw; its trace goes to the log alone.

    The HTTP server closes the connection after it; unannounced, the client's next request would be lost.
    """
    body = {"error": "Internal server error", "code": 500, "type": _FATAL}
    return json_response(body, 500, {"Connection": "close"})
