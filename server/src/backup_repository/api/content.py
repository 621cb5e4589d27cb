"""The bytes of a version as an HTTP answer (contract 8.7): by the proxy when it offers to, else by ourselves."""

from __future__ import annotations

from contextlib import AsyncExitStack
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.api.described import Answer, Parameter
from backup_repository.api.handover import handed_over
from backup_repository.api.integrity import digest_header
from backup_repository.api.ranges import Slice, http_date, not_modified, wanted_slice
from backup_repository.api.sending import OpenedContent
from backup_repository.api.shapes import BYTES, text
from backup_repository.instance import Instance
from backup_repository.versions.model import Version

_NAMES = {"ETag": "The SHA-256 of the whole version, in quotes", "Repr-Digest": "The same per RFC 9530"}
_DESCRIBED_HEADERS = {**_NAMES, "Content-Disposition": "The file name", "Last-Modified": "When it was uploaded"}
_BYTES = {"application/octet-stream": BYTES}

CONTENT = {
    200: Answer("The whole version", _BYTES, _DESCRIBED_HEADERS),
    206: Answer(
        "The range that was asked for", _BYTES, {**_DESCRIBED_HEADERS, "Content-Range": "Which bytes these are"}
    ),
    304: Answer("The caller has it already", headers=_NAMES),
}
"""What `content_response` answers, for the API's description."""
CONTENT_CODES = (412, 42006, 42001, 42002, 42003, 42004, 42013)
"""What it refuses with."""
CONDITIONS = (
    Parameter("Range", "One range of bytes", text("bytes=0-1023")),
    Parameter("If-Range", "Use the range only for this `ETag` or `Last-Modified`"),
    Parameter("If-None-Match", "Nothing, when the `ETag` is one of these"),
    Parameter("If-Modified-Since", "Nothing, when it is not newer"),
    Parameter("If-Match", "Only when the `ETag` is one of these"),
    Parameter("If-Unmodified-Since", "Only when it is not newer"),
)
"""What it looks at."""


async def content_response(request: Request, instance: Instance, version: Version) -> Response:
    """Answer a GET or HEAD of a version: 200, 206, 304, 412 or 416.

    Raises:
        ProtocolRefusal: a precondition fails (412).
        RangeNotSatisfiable: the range lies beyond the version (416).
        StorageError: the blob is missing or the storage is out of reach.
    """
    etag = f'"{version.sha256}"'
    headers = _headers(version, etag)
    if not_modified(request.headers, etag, version.created_at):
        return Response(None, 304, {name: value for name, value in headers.items() if name in _KEPT_ON_304})
    is_head = request.method == "HEAD"
    part = None if is_head else wanted_slice(request.headers, version.size, etag, version.created_at)
    handover = await handed_over(request, instance, version, part, headers)
    if handover is not None:
        return Response(None, 200, dict(handover))
    status, span = (200, Slice(0, version.size)) if part is None else (206, part)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{version.size}"
    headers["Content-Length"] = str(span.end - span.start)
    stack = AsyncExitStack()
    chunks = await stack.enter_async_context(instance.downloads.read(version, span.start, span.end))
    if is_head:
        await stack.aclose()
        return Response(None, status, headers)
    idle_seconds = instance.config.long_execution_time
    return OpenedContent(stack, chunks, span, status, headers, idle_seconds=idle_seconds)


_KEPT_ON_304 = frozenset({"ETag", "Repr-Digest", "Last-Modified", "Cache-Control"})


def _headers(version: Version, etag: str) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": _attachment(version.download_name),
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Repr-Digest": digest_header(version.sha256),
        "Last-Modified": http_date(version.created_at),
        "Cache-Control": "private, no-cache, no-transform",
        "X-Content-Type-Options": "nosniff",
    }


def _attachment(filename: str) -> str:
    """Write a file name per RFC 6266; collections' names are printable ASCII without quotes and backslashes."""
    if filename.isascii():
        escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
        return f'attachment; filename="{escaped}"'
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
