"""Versions: upload, list, download, delete (contract 8)."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from backup_repository.api import render
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.content import content_response
from backup_repository.api.incoming import IncomingBody
from backup_repository.api.paging import page_of
from backup_repository.api.peer import base_url


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


async def list_versions(call: Authenticated) -> Response:
    """R20: list the collection's versions, or one page of them."""
    collection_id = call.path("collection_id")
    query = call.query
    opened = await call.instance.downloads.open_listing(call.actor, collection_id)
    paged = query.get("page") or query.get("limit")
    page = page_of(query, size_name="limit", default_size=20) if paged else None
    versions = (
        await call.instance.downloads.list(opened)
        if page is None
        else await call.instance.downloads.list(opened, offset=page.offset, limit=page.size)
    )
    address = base_url(call.request, call.instance.config.base_url, call.instance.config.trusted_proxies)
    content: render.JsonObject = {
        "message": "OK",
        "status": True,
        "versions": {
            str(version.number): {
                "details": render.version(version),
                "url": f"{address}/api/stable/repository/file/{quote(version.filename, safe='')}",
            }
            for version in versions
        },
    }
    if page is not None:
        content["pagination"] = render.pagination(page.number, page.size, opened.collection.versions_count)
    return render.json_response(content)


async def download_version(call: Authenticated) -> Response:
    """R21: give a version back."""
    collection_id = call.path("collection_id")
    version_id = call.path("version_id")
    version = await call.instance.downloads.find(call.actor, collection_id, version_id)
    return await content_response(call.request, call.instance, version)


async def delete_version(call: Writing) -> Response:
    """R22: delete one version."""
    collection_id = call.path("collection_id")
    version_id = call.path("version_id")
    simulate = call.simulate
    await call.instance.removals.delete(call.actor, collection_id, version_id, simulate=simulate)
    return render.json_response({"message": "OK, object deleted", "status": True})
