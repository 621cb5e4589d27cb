"""Versions: upload, list, download, delete (contract 8)."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from backup_repository.api import render, schemas
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.content import CONDITIONS, CONTENT, CONTENT_CODES, content_response
from backup_repository.api.described import Operation, Parameter, Tag, Upload, answers
from backup_repository.api.incoming import IncomingBody
from backup_repository.api.paging import SIMULATE, page_of, page_parameters
from backup_repository.api.peer import base_url
from backup_repository.api.shapes import always, keyed, record, text

_IN_REACH = "as a member, or with `collections.modify_any_collection_regardless_if_user_was_allowed_in_collection`"
_NUMBER = {"pattern": "^[1-9][0-9]*$"}
_URL = text("http://localhost:8000/api/stable/repository/file/0a1b2c3d4e-db.tar-v1.gz").meaning(
    "Where administrators download it"
)


@Operation(
    "Upload a version",
    Tag.VERSIONS,
    answers(
        record(
            {
                "message": always("File was uploaded"),
                "status": schemas.TRUE,
                "version": schemas.VERSION,
                "collection": schemas.COLLECTION,
            }
        ),
        "The bytes are durably stored",
    ),
    needs=f"`upload.all`, and `collections.upload_to_allowed_collections` {_IN_REACH}",
    body=Upload("The bytes, stored as they are sent"),
    headers=(
        Parameter("Repr-Digest", "Must match the bytes, `sha-256=:<base64>:`"),
        Parameter("Content-Digest", "Likewise"),
        Parameter("X-Checksum-Sha256", "Must match the bytes, in hex"),
    ),
    codes=(
        *(404, 40308, 42023, 42024, 42009, 42008, 40109, 41012, 417, 408, 41011, 41010),
        *(42001, 42003, 42004, 42013),
    ),
)
async def upload_version(call: Writing) -> Response:
    """R19: store the body as the collection's next version."""
    collection_id = call.path("collection_id")
    naming = call.path("naming")
    incoming = IncomingBody(
        call.request,
        naming=naming,
        landing=call.instance.landing,
        trusted=call.instance.config.trusted_proxies,
        idle_seconds=call.instance.config.long_execution_time,
    )
    uploaded = await call.instance.uploads.upload(call.actor, collection_id, incoming)
    return render.json_response(
        {
            "message": "File was uploaded",
            "status": True,
            "version": render.version(uploaded.version),
            "collection": render.collection(uploaded.collection),
        }
    )


@Operation(
    "List the versions",
    Tag.VERSIONS,
    answers(
        record(
            {
                "message": always("OK"),
                "status": schemas.TRUE,
                "versions": keyed("1", record({"details": schemas.VERSION, "url": _URL}), propertyNames=_NUMBER),
                "pagination": schemas.PAGINATION.meaning("Only when a page was asked for"),
            },
            optional=("pagination",),
        )
    ),
    needs=f"`collections.list_versions_for_allowed_collections` {_IN_REACH}",
    details="Every version, by number; with `page` or `limit` one page of them.",
    query=page_parameters(size_name="limit", default_size=20),
    codes=(404, 40311),
)
async def list_versions(call: Authenticated) -> Response:
    """R20: list the collection's versions, or one page of them."""
    collection_id = call.path("collection_id")
    query = call.query
    async with call.instance.downloads.pages(call.actor, collection_id) as pages:
        paged = query.get("page") or query.get("limit")
        page = page_of(query, size_name="limit", default_size=20) if paged else None
        found = await (pages.page() if page is None else pages.page(offset=page.offset, limit=page.size))
    address = base_url(call.request, call.instance.config.base_url, call.instance.config.trusted_proxies)
    content: render.JsonObject = {
        "message": "OK",
        "status": True,
        "versions": {
            str(version.number): {
                "details": render.version(version),
                "url": f"{address}/api/stable/repository/file/{quote(version.filename, safe='')}",
            }
            for version in found.versions
        },
    }
    if page is not None:
        content["pagination"] = render.pagination(page.number, page.size, found.total)
    return render.json_response(content)


@Operation(
    "Download a version",
    Tag.VERSIONS,
    CONTENT,
    needs="`collections.fetch_single_version_file_in_allowed_collections` as a member",
    headers=CONDITIONS,
    codes=(404, 40310, *CONTENT_CODES),
)
async def download_version(call: Authenticated) -> Response:
    """R21: give a version back."""
    collection_id = call.path("collection_id")
    version_id = call.path("version_id")
    version = await call.instance.downloads.find(call.actor, collection_id, version_id)
    return await content_response(call.request, call.instance, version)


@Operation(
    "Delete a version",
    Tag.VERSIONS,
    answers(record({"message": always("OK, object deleted"), "status": schemas.TRUE})),
    needs=f"`collections.delete_versions_for_allowed_collections` {_IN_REACH}",
    details="The numbers of other versions do not change.",
    query=(SIMULATE,),
    codes=(404, 40309, 41013),
)
async def delete_version(call: Writing) -> Response:
    """R22: delete one version."""
    collection_id = call.path("collection_id")
    version_id = call.path("version_id")
    simulate = call.simulate
    await call.instance.removals.delete(call.actor, collection_id, version_id, simulate=simulate)
    return render.json_response({"message": "OK, object deleted", "status": True})
