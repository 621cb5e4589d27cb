"""What guests may read: the front page, the description of the API, and the page over it (contract 11).

The pages are files in `html/`, put together once. They load nothing from elsewhere: style and script stand inside them
and are allowed by their hashes, everything else is forbidden by the Content-Security-Policy.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
from importlib.resources import files

from starlette.responses import Response

from backup_repository.api.caller import Public
from backup_repository.api.described import JSON, Answer, Operation, Tag, answers
from backup_repository.api.shapes import Shape, text

_PARTS = (("{{style}}", "page.css", "style-src"), ("{{script}}", "document.js", "connect-src 'self'; script-src"))
"""What stands for which file in a page, and what allows it."""
_HTML = {"text/html": text("<!doctype html>")}


@Operation("The front page", Tag.DESCRIPTION, {200: Answer("A small page", _HTML)})
async def show_landing_page(_call: Public) -> Response:
    """R29: say what this is."""
    return _page("landing.html")


@Operation(
    "This description",
    Tag.DESCRIPTION,
    answers(Shape({"type": "object", "required": ["openapi", "paths"]}, {"openapi": "3.1.0", "paths": {}})),
)
async def show_document(call: Public) -> Response:
    """R30: the API in OpenAPI 3.1."""
    # in a thread: the first time it has to be made
    return Response(await asyncio.to_thread(call.request.app.state.description), media_type=JSON)


@Operation("A page over this description", Tag.DESCRIPTION, {200: Answer("A page to read and to try", _HTML)})
async def show_document_page(_call: Public) -> Response:
    """R31: the API for people, who may try it there."""
    return _page("document.html")


def _page(name: str) -> Response:
    html, policy = _assembled(name)
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(html, headers=headers, media_type="text/html")


@functools.cache
def _assembled(name: str) -> tuple[str, str]:
    """Put style and script into a page; return it with the policy that allows exactly these."""
    html = _read(name)
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:"
    for mark, file, directive in _PARTS:
        if mark in html:
            content = _read(file)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            html = html.replace(mark, content)
            policy += f"; {directive} 'sha256-{digest}'"
    return html, policy


def _read(name: str) -> str:
    return files("backup_repository.api").joinpath("html", name).read_text(encoding="utf-8")
