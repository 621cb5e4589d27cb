"""Stored files of the whole server, for administrators (contract 9)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.decide import Action, require
from backup_repository.api import render, schemas
from backup_repository.api.caller import Authenticated
from backup_repository.api.content import CONDITIONS, CONTENT, CONTENT_CODES, content_response
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.paging import page_of, page_parameters
from backup_repository.api.shapes import listed, record, text
from backup_repository.versions.files import FileSearch


@Operation(
    "List every stored file",
    Tag.FILES,
    answers(
        record(
            {
                "results": listed(schemas.STORED_FILE),
                "pagination": record({"page": schemas.COUNT, "maxPages": schemas.COUNT, "perPageLimit": schemas.COUNT}),
            }
        )
    ),
    needs="`admin.view.can_use_listing_endpoint_at_all`",
    query=(
        Parameter("searchQuery", "Part of the file name"),
        Parameter("tags[]", "Any of these tags", listed(text("nightly"))),
        *page_parameters(size_name="limit", default_size=20),
    ),
    codes=(40304,),
)
async def list_files(call: Authenticated) -> Response:
    """R23: every stored file, newest first."""
    require(call.actor, Action.LIST_FILES)
    page = page_of(call.query, size_name="limit", default_size=20)
    wanted = FileSearch(
        text=call.query.get("searchQuery", ""),
        tags=tuple(tag for tag in call.query.getlist("tags[]") if tag),
    )
    found = await call.instance.files.search(call.actor, wanted, offset=page.offset, limit=page.size)
    results = [
        {
            "filename": version.filename,
            "content_hash": version.sha256,
            "date_added": render.moment(version.created_at),
            "timezone": "UTC",
            "tags": list(version.tags),
            "filesize": version.size,
        }
        for version in found.versions
    ]
    shown = render.pagination(page.number, page.size, found.total)
    return render.json_response(
        {
            "results": results,
            "pagination": {"page": page.number, "maxPages": shown["max_pages"], "perPageLimit": page.size},
        }
    )


@Operation(
    "Download a stored file",
    Tag.FILES,
    CONTENT,
    needs="`admin.view.any_file`",
    headers=CONDITIONS,
    codes=(40302, 42000, *CONTENT_CODES),
)
async def download_file(call: Authenticated) -> Response:
    """R24: give any stored file back by its name."""
    version = await call.instance.downloads.find_file(call.actor, call.path("filename"))
    return await content_response(call.request, call.instance, version)
