"""`/backup/collections` and `/backup/collection`: search, look, create, edit, delete (contract B 5)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from backup_repository.access.decide import Action, require
from backup_repository.access.door import Opened
from backup_repository.access.upload_tokens import why_not
from backup_repository.collections.model import Collection, Strategy
from backup_repository.collections.store import Search
from backup_repository.errors import DomainError, FieldError, InvalidFields, NotFound
from backup_repository.sizes import format_size
from backup_repository.users.expiry import parse_last_moment, parse_moment
from backup_repository.web import member_list, version_list
from backup_repository.web.body import Fields
from backup_repository.web.collection_forms import read_details
from backup_repository.web.notices import BAD, Notice, Said, ends_session, explained, field_problems, status_of
from backup_repository.web.paging import PAGE_SIZE, Paging
from backup_repository.web.visit import SignedIn

_BAD_DATE = FieldError("The date is not understood, expected for example 2031-05-01", 41014)


async def list_collections(visit: SignedIn) -> Response:
    """Search; the address carries what for."""
    require(visit.actor, Action.SEARCH_COLLECTIONS)
    typed = {name: visit.query(name) for name in ("q", "from", "to")}
    problems: dict[str, FieldError] = {}
    moments = {}
    for name, parse in (("from", parse_moment), ("to", parse_last_moment)):
        try:
            moments[name] = parse(typed[name]) if typed[name] else None
        except ValueError:
            problems[name] = _BAD_DATE
    wanted = Search(typed["q"].strip(" %*"), moments.get("from"), moments.get("to"))
    paging = Paging.read(visit.query("page"))
    found = await visit.instance.collections.search(visit.actor, wanted, offset=paging.offset, limit=PAGE_SIZE)
    return visit.page(
        "collections.html",
        status=400 if problems else 200,
        notices=(explained(InvalidFields(problems)),) if problems else (),
        typed=typed,
        problems=problems,
        found=found.collections,
        paging=paging.of(found.total),
        limits_of=limits_of,
        may_create=visit.may(Action.CREATE_COLLECTION) and not visit.instance.config.read_only,
    )


def limits_of(collection: Collection) -> str:
    """Write limits as `5x50.00MB (250.00MB)`; what is unlimited is a word."""
    count = str(collection.max_backups_count) if collection.max_backups_count else "any number "
    one = format_size(collection.max_one_version_size) if collection.max_one_version_size else " any size"
    whole = format_size(collection.max_collection_size) if collection.max_collection_size else "unlimited"
    return f"{count}x{one} ({whole})"


async def show_new_collection(visit: SignedIn) -> Response:
    """Ask for the details of a new collection."""
    require(visit.actor, Action.CREATE_COLLECTION)
    maxima = visit.instance.config
    typed = {
        "filename": "",
        "description": "",
        "strategy": Strategy.DELETE_OLDEST.value,
        "maxBackupsCount": str(min(7, maxima.backup_max_versions or 7)),
        "maxOneVersionSize": "1GB",
        "maxCollectionSize": "7GB",
    }
    return visit.page("collection_new.html", typed=typed, problems={})


async def create_collection(visit: SignedIn, fields: Fields) -> Response:
    """Create a collection."""
    try:
        require(visit.actor, Action.CREATE_COLLECTION)
        collection = await visit.instance.collections.create(visit.actor, read_details(fields))
    except DomainError as error:
        if ends_session(error):
            raise
        return visit.page(
            "collection_new.html",
            status=status_of(error),
            notices=(explained(error),),
            typed=_typed(fields),
            problems=field_problems(error),
        )
    return visit.go(f"/backup/collection/{collection.id}", Said.COLLECTION_CREATED)


async def show_collection(visit: SignedIn) -> Response:
    """Show a collection with its versions and who has access."""
    return await page_of(visit)


async def page_of(
    visit: SignedIn, *, error: DomainError | None = None, notice: Notice | None = None, typed: Fields | None = None
) -> Response:
    """Answer with a collection's page, after a failure with its notice and what was typed.

    Raises:
        NotFound, PermissionDenied: as `Collections.open` for viewing.
    """
    if error is not None and (ends_session(error) or isinstance(error, NotFound)):
        raise error
    collection_id = visit.path("collection_id")
    opened = await visit.instance.collections.open(visit.actor, collection_id, Action.VIEW)
    notices = tuple(one for one in (notice, explained(error) if error else None) if one)
    return visit.page(
        "collection.html",
        status=status_of(error) if error else 400 if notice and notice.kind == BAD else 200,
        notices=notices,
        collection=opened.collection,
        may=_may(visit, opened),
        typed=_typed(typed) if typed is not None else _shown(opened.collection),
        problems=field_problems(error),
        limits=limits_of(opened.collection),
        versions=await version_list.of(visit, opened),
        access=await member_list.of(visit, opened),
    )


async def save_collection(visit: SignedIn, fields: Fields) -> Response:
    """Replace what people decide about a collection."""
    collection_id = visit.path("collection_id")
    try:
        await visit.instance.collections.open(visit.actor, collection_id, Action.EDIT)
        await visit.instance.collections.edit(visit.actor, collection_id, read_details(fields))
    except DomainError as error:
        return await page_of(visit, error=error, typed=fields)
    return visit.go(f"/backup/collection/{collection_id}", Said.CHANGES_SAVED)


async def delete_collection(visit: SignedIn, fields: Fields) -> Response:
    """Delete an empty collection after its exact name was typed."""
    collection_id = visit.path("collection_id")
    try:
        opened = await visit.instance.collections.open(visit.actor, collection_id, Action.DELETE)
        if fields.text("typed") != opened.collection.filename:
            return await page_of(visit, notice=Notice(BAD, Said.NOT_TYPED))
        await visit.instance.collections.delete(visit.actor, collection_id)
    except DomainError as error:
        return await page_of(visit, error=error)
    there = "/backup/collections" if visit.may(Action.SEARCH_COLLECTIONS) else "/overview"
    return visit.go(there, Said.COLLECTION_DELETED)


_NAMES = ("filename", "description", "strategy", "maxBackupsCount", "maxOneVersionSize", "maxCollectionSize")


def _typed(fields: Fields) -> dict[str, str]:
    return {name: fields.text(name) for name in _NAMES}


def _shown(collection: Collection) -> dict[str, str]:
    """Write a collection's details so that saving them unchanged changes nothing: sizes in bytes unless exact."""
    return {
        "filename": collection.filename,
        "description": collection.description,
        "strategy": collection.strategy.value,
        "maxBackupsCount": str(collection.max_backups_count),
        "maxOneVersionSize": exact_size(collection.max_one_version_size),
        "maxCollectionSize": exact_size(collection.max_collection_size),
    }


def exact_size(size: int) -> str:
    """Write a size in the largest unit that needs no fraction."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def _may(visit: SignedIn, opened: Opened) -> dict[str, Any]:
    names = {
        "edit": Action.EDIT,
        "delete": Action.DELETE,
        "upload": Action.UPLOAD,
        "download": Action.DOWNLOAD,
        "delete_version": Action.DELETE_VERSION,
        "manage": Action.MANAGE_ACCESS,
    }
    writable = not visit.instance.config.read_only
    allowed = {name: visit.may(action, opened.entry) for name, action in names.items()}
    allowed["upload_as_member"] = allowed["upload"] and opened.entry is None
    allowed["upload"] = allowed["upload"] and why_not(opened) is None
    return {name: may and (writable or name == "download") for name, may in allowed.items()}
