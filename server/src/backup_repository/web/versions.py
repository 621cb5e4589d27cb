"""Uploads, downloads and deletions of versions, from a collection's page (contract B 5)."""

from __future__ import annotations

import json

from starlette.responses import Response

from backup_repository.access.decide import Action
from backup_repository.errors import DomainError, NotFound
from backup_repository.sizes import MAX_SIZE
from backup_repository.versions.plan import already_full, check_size
from backup_repository.web import pages
from backup_repository.web.body import Fields
from backup_repository.web.collections import page_of
from backup_repository.web.notices import BAD, Notice, Said, ends_session, status_of
from backup_repository.web.visit import SignedIn

_MOST_DIGITS = len(str(MAX_SIZE))


async def mint_upload_token(visit: SignedIn, fields: Fields) -> Response:
    """Give the page's script what it needs for one upload to the API's path, or refuse before the bytes travel."""
    collection_id = visit.path("collection_id")
    digits = fields.text("size")
    size = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else 0
    try:
        opened = await visit.instance.collections.open(visit.actor, collection_id, Action.UPLOAD)
        check_size(opened.collection, visit.actor.user.max_allowed_file_size, size)
        already_full(opened.collection)
        token = await visit.instance.upload_tokens.mint(visit.actor, collection_id, size)
    except DomainError as error:
        if ends_session(error):
            raise
        return _as_json({"error": error.message}, status_of(error))
    address = visit.links.to(f"/api/stable/repository/collection/{collection_id}/versions")
    revoke = visit.links.to("/api/stable/auth/token/current-session")
    return _as_json({"address": address, "revoke": revoke, "token": token}, 200)


async def show_uploaded(visit: SignedIn, _fields: Fields) -> Response:
    """Return to the collection after the script's upload has ended well."""
    opened = await visit.instance.collections.open(visit.actor, visit.path("collection_id"), Action.VIEW)
    return visit.go(f"/backup/collection/{opened.collection.id}", Said.VERSION_UPLOADED)


async def download_version(visit: SignedIn) -> Response:
    """Give a version back as an ordinary download, which resumes; ranges and conditions are the API's."""
    version = await visit.instance.downloads.find(visit.actor, visit.path("collection_id"), visit.path("version_id"))
    return await visit.lent.content(visit.request, visit.instance, version)


async def delete_version(visit: SignedIn, fields: Fields) -> Response:
    """Delete a version after its name was typed."""
    collection_id, name = visit.path("collection_id"), visit.path("version_id")
    try:
        await visit.instance.collections.open(visit.actor, collection_id, Action.DELETE_VERSION)
        if fields.text("typed") != name:
            return await page_of(visit, notice=Notice(BAD, Said.NOT_TYPED))
        await visit.instance.removals.delete(visit.actor, collection_id, name)
    except NotFound as error:
        return await page_of(visit, notice=Notice(BAD, f"{name} is not there: {error.message}"))
    except DomainError as error:
        return await page_of(visit, error=error)
    return visit.go(f"/backup/collection/{collection_id}", Said.VERSION_DELETED)


def _as_json(content: dict[str, str], status: int) -> Response:
    return Response(json.dumps(content), status, dict(pages.PRIVATE), media_type="application/json")
