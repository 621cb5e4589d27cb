"""Turns templates into answers: everything is escaped, nothing undefined is shown, nothing foreign is loaded."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from backup_repository.sizes import format_size
from backup_repository.web import assets

if TYPE_CHECKING:  # the template engine is loaded with the first page: 2 MB that a server without visitors saves
    from jinja2 import Environment
    from markupsafe import Markup

POLICY = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; script-src 'self'; style-src 'self'"
)
"""Nothing inline, nothing from elsewhere, in nobody's frame."""

PRIVATE: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # with `no-referrer` browsers would hide the origin of our own forms
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What every page carries."""


def answer(template: str, context: Mapping[str, Any], status: int) -> Response:
    """Render a template."""
    html = _environment().get_template(template).render(context)
    return Response(html, status, dict(PRIVATE), media_type="text/html")


def iso(moment: datetime) -> str:
    """Write a moment for machines."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(moment: datetime | None, otherwise: str = "never") -> str | Markup:
    """Show a moment: in UTC until the script puts it into the reader's zone."""
    from markupsafe import Markup  # noqa: PLC0415 - only pages need it

    if moment is None:
        return otherwise
    exact = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    template = Markup('<time datetime="{}" title="{}">{}</time>')
    return template.format(iso(moment), exact, moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"))


def _size(size: int) -> str:
    return format_size(size)


def _limit(size: int) -> str:
    return format_size(size) if size else "unlimited"


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only pages need it

    environment = Environment(
        loader=PackageLoader("backup_repository.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(time=_time, size=_size, limit=_limit)
    environment.globals.update(asset=assets.address, product_version=version("backup-repository"))
    return environment
