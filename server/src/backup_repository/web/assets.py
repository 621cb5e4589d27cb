"""Style, script and icon, from our own origin, under names that change with their content: they never expire."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.errors import NotFound

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FILES = ("console.css", "console.js", "upload.js", "refresh.js", "icon.svg")
_DIGITS = 12


def address(file: str) -> str:
    """Return the path of an asset below the console."""
    return f"/assets/{_named()[file]}"


async def serve(request: Request) -> Response:
    """Answer with an asset, to be kept for ever.

    Raises:
        NotFound: there is none of that name, or not any more.
    """
    content = _contents().get(request.path_params["name"])
    if content is None:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    kind = _TYPES[request.path_params["name"].rpartition(".")[2]]
    return Response(content, headers={**headers, "Content-Type": kind})


@functools.cache
def _named() -> dict[str, str]:
    return {file: _hashed_name(file, _read(file)) for file in _FILES}


@functools.cache
def _contents() -> dict[str, bytes]:
    return {name: _read(file) for file, name in _named().items()}


def _hashed_name(file: str, content: bytes) -> str:
    stem, _, extension = file.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_DIGITS]}.{extension}"


def _read(file: str) -> bytes:
    return files("backup_repository.web").joinpath("assets", file).read_bytes()
