"""Collections (contract 6)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from starlette.datastructures import QueryParams
from starlette.responses import Response

from backup_repository.access.collections import Details
from backup_repository.access.decide import Action, require
from backup_repository.api import render
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.fields import (
    ChosenId,
    OptionalText,
    Size,
    checked_integer,
    checked_text,
    is_text,
    optional_text,
)
from backup_repository.api.paging import page_of
from backup_repository.collections.model import Collection, Limits, Strategy
from backup_repository.collections.rules import (
    check_backups_count,
    check_description,
    check_filename,
    check_strategy,
)
from backup_repository.collections.store import Search
from backup_repository.errors import FieldError, InvalidFields
from backup_repository.users.expiry import parse_last_moment, parse_moment


class CollectionForm(Form):
    """Body of R11 and R12."""

    max_backups_count: Annotated[int, checked_integer(check_backups_count)]
    max_one_version_size: Annotated[Size, Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 42010
    max_collection_size: Annotated[Size, Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 42010
    strategy: Annotated[str, checked_text(check_strategy), Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 42021
    filename: Annotated[str, checked_text(check_filename), Field(validate_default=True)] = None  # type: ignore[assignment] # missing is 42011
    description: Annotated[str, optional_text(check_description)] = ""
    password: OptionalText = ""
    id: ChosenId = None

    def details(self) -> Details:
        """Return what the body decides."""
        return Details(
            filename=self.filename,
            description=self.description,
            strategy=Strategy(self.strategy),
            limits=Limits(self.max_backups_count, self.max_one_version_size, self.max_collection_size),
        )


def _answer(collection: Collection, message: str = "OK", status: int = 200) -> Response:
    content = {"message": message, "status": True, "collection": render.collection(collection)}
    return render.json_response(content, status)


async def create_collection(call: Writing) -> Response:
    """R11: create a collection."""
    body = await json_object(call.request)
    require(call.actor, Action.CREATE_COLLECTION)
    if body.get("id") not in (None, ""):
        require(call.actor, Action.CHOOSE_COLLECTION_ID)
    form = check(CollectionForm, body)
    collection = await call.instance.collections.create(
        call.actor, form.details(), chosen_id=form.id, simulate=call.simulate
    )
    return _answer(collection, status=201)


async def edit_collection(call: Writing) -> Response:
    """R12: replace what people decide about a collection."""
    body = await json_object(call.request)
    wanted = _edited_id(body)
    await call.instance.collections.open(call.actor, wanted, Action.EDIT)
    form = check(CollectionForm, body | {"id": wanted})
    simulate = call.simulate
    return _answer(await call.instance.collections.edit(call.actor, wanted, form.details(), simulate=simulate))


def _edited_id(body: dict[str, Any]) -> str:
    value = next((body[name] for name in ("id", "collection") if body.get(name) not in (None, "")), None)
    if not isinstance(value, str) or not is_text(value):
        raise InvalidFields({"id": FieldError("The id of the collection is required, as a text", 50002)})
    return value


async def search_collections(call: Authenticated) -> Response:
    """R13: search the collections that the call.actor may see."""
    require(call.actor, Action.SEARCH_COLLECTIONS)
    query = call.query
    problems: dict[str, FieldError] = {}
    wanted = _search(query, problems)
    try:
        page = page_of(query, size_name="limit", default_size=20)
    except InvalidFields as error:
        raise InvalidFields(problems | error.fields) from error
    if problems:
        raise InvalidFields(problems)
    found = await call.instance.collections.search(call.actor, wanted, offset=page.offset, limit=page.size)
    return render.json_response(
        {
            "message": "Matches found" if found.collections else "No matches found",
            "status": True,
            "elements": [render.collection(collection) for collection in found.collections],
            "pagination": render.pagination(page.number, page.size, found.total),
        }
    )


def _search(query: QueryParams, problems: dict[str, FieldError]) -> Search:
    moments = {"createdFrom": parse_moment, "createdTo": parse_last_moment}
    read = {}
    for name, parse in moments.items():
        try:
            read[name] = parse(query[name]) if query.get(name) else None
        except ValueError:
            problems[name] = FieldError("The date is not understood, expected for example 2031-05-01", 41014)
    return Search(
        text=query.get("searchQuery", "").strip(" %*"),
        created_from=read.get("createdFrom"),
        created_to=read.get("createdTo"),
    )


async def view_collection(call: Authenticated) -> Response:
    """R14: look at one collection."""
    collection_id = call.path("collection_id")
    opened = await call.instance.collections.open(call.actor, collection_id, Action.VIEW)
    return _answer(opened.collection)


async def delete_collection(call: Writing) -> Response:
    """R15: delete an empty collection."""
    collection_id = call.path("collection_id")
    simulate = call.simulate
    collection = await call.instance.collections.delete(call.actor, collection_id, simulate=simulate)
    return _answer(collection, "OK, collection was deleted")
