"""Collections (contract 6)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field
from starlette.datastructures import QueryParams
from starlette.responses import Response

from backup_repository.access.collections import Details
from backup_repository.access.decide import Action, require
from backup_repository.api import render, schemas
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.fields import (
    CHOSEN_ID,
    INTEGER,
    OPTIONAL_TEXT,
    SIZE,
    TEXT,
    ChosenId,
    OptionalText,
    Size,
    Text,
    checked_integer,
    checked_text,
    is_text,
    optional_text,
    shown,
)
from backup_repository.api.paging import SIMULATE, page_of, page_parameters
from backup_repository.api.shapes import Shape, always, record, text
from backup_repository.collections.model import Collection, Limits, Strategy
from backup_repository.collections.rules import (
    DESCRIPTION_MAX_LENGTH,
    FILENAME,
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

    example: ClassVar[dict[str, Any]] = {
        "maxBackupsCount": 5,
        "maxOneVersionSize": "1.5GB",
        "maxCollectionSize": "7.5GB",
        "strategy": Strategy.DELETE_OLDEST.value,
        "filename": "db.tar.gz",
        "description": "The wiki's database, every night",
    }

    max_backups_count: Annotated[
        int,
        checked_integer(check_backups_count),
        shown(INTEGER, "How many versions it may hold; 0: unlimited", 42016, minimum=0),
    ]
    max_one_version_size: Annotated[
        Size,
        Field(validate_default=True),
        shown(SIZE, "How large one version may be; bytes, or a text such as 1.5GB; 0: unlimited", 42010),
    ] = None  # type: ignore[assignment] # missing is 42010
    max_collection_size: Annotated[
        Size,
        Field(validate_default=True),
        shown(SIZE, "How large all versions together may be; bytes, or a text such as 7.5GB; 0: unlimited", 42010),
    ] = None  # type: ignore[assignment] # missing is 42010
    strategy: Annotated[
        str,
        checked_text(check_strategy),
        Field(validate_default=True),
        shown(TEXT, "What happens when it is full", 42021, enum=[*map(str, Strategy)]),
    ] = None  # type: ignore[assignment] # missing is 42021
    filename: Annotated[
        str,
        checked_text(check_filename),
        Field(validate_default=True),
        shown(TEXT, "What downloaded versions are called", 42011, 42012, pattern=f"^{FILENAME.pattern}$"),
    ] = None  # type: ignore[assignment] # missing is 42011
    description: Annotated[
        str,
        optional_text(check_description),
        shown(OPTIONAL_TEXT, "Free text", 40003, maxLength=DESCRIPTION_MAX_LENGTH),
    ] = ""
    password: Annotated[OptionalText, shown(OPTIONAL_TEXT, "Accepted without effect")] = ""
    id: Annotated[ChosenId, shown(CHOSEN_ID, "Choose the id; 40101 when it is no UUID")] = None

    def details(self) -> Details:
        """Return what the body decides."""
        return Details(
            filename=self.filename,
            description=self.description,
            strategy=Strategy(self.strategy),
            limits=Limits(self.max_backups_count, self.max_one_version_size, self.max_collection_size),
        )


def _named_either_way(schema: dict[str, Any]) -> None:
    """Describe that the id of R12 may come under another name."""
    schema["properties"]["collection"] = {"description": "Another name for `id`, which wins"}
    schema["required"].remove("id")
    given = {**TEXT, "minLength": 1}
    schema["anyOf"] = [{"required": [name], "properties": {name: given}} for name in ("id", "collection")]


class EditedCollectionForm(CollectionForm):
    """Body of R12."""

    model_config = ConfigDict(json_schema_extra=_named_either_way)
    reported_as: ClassVar[dict[str, str]] = {"collection": "id"}
    example: ClassVar[dict[str, Any]] = {**CollectionForm.example, "id": "2f1de2f0-5d9c-4a8e-8f2b-6f1f7f1f2c11"}

    id: Annotated[Text, shown(OPTIONAL_TEXT, "Which collection")]


def _answered(message: str = "OK") -> Shape:
    return record({"message": always(message), "status": schemas.TRUE, "collection": schemas.COLLECTION})


def _answer(collection: Collection, message: str = "OK", status: int = 200) -> Response:
    content = {"message": message, "status": True, "collection": render.collection(collection)}
    return render.json_response(content, status)


@Operation(
    "Create a collection",
    Tag.COLLECTIONS,
    answers(_answered(), "The collection was created", 201),
    needs=(
        "`collections.create_new`; for a chosen id `collections.create_new.with_custom_id`, for unlimited limits "
        "`collections.allow_infinite_limits` as well"
    ),
    details="The creator becomes a member with all eight permissions.",
    body=CollectionForm,
    query=(SIMULATE,),
    codes=(40306, 40305, 40102, 40103, 40104, 40105, 40106, 40101, 40100),
)
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


@Operation(
    "Change a collection",
    Tag.COLLECTIONS,
    answers(_answered()),
    needs=(
        "`collections.modify_details_of_allowed_collections` as a member, or "
        "`collections.modify_any_collection_regardless_if_user_was_allowed_in_collection`"
    ),
    details="Every field is replaced. Lowered limits delete nothing by themselves.",
    body=EditedCollectionForm,
    query=(SIMULATE,),
    codes=(404, 40307, 40306, 40102, 40103, 40104, 40105, 40106, 40107),
)
async def edit_collection(call: Writing) -> Response:
    """R12: replace what people decide about a collection."""
    body = await json_object(call.request)
    wanted = _edited_id(body)
    await call.instance.collections.open(call.actor, wanted, Action.EDIT)
    form = check(EditedCollectionForm, body | {"id": wanted})
    simulate = call.simulate
    return _answer(await call.instance.collections.edit(call.actor, wanted, form.details(), simulate=simulate))


def _edited_id(body: dict[str, Any]) -> str:
    value = next((body[name] for name in ("id", "collection") if body.get(name) not in (None, "")), None)
    if not isinstance(value, str) or not is_text(value):
        raise InvalidFields({"id": FieldError("The id of the collection is required, as a text", 50002)})
    return value


@Operation(
    "Search for collections",
    Tag.COLLECTIONS,
    answers(schemas.found("elements", schemas.COLLECTION, {"pagination": schemas.PAGINATION})),
    needs="`collections.can_use_listing_endpoint`; shows what the caller may see",
    query=(
        Parameter("searchQuery", "Part of the id, the description or the file name"),
        Parameter("createdFrom", "First day or moment", text("2031-05-01"), codes=(41014,)),
        Parameter("createdTo", "Last day or moment", text("2031-05-31"), codes=(41014,)),
        *page_parameters(size_name="limit", default_size=20),
    ),
    codes=(40304,),
)
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


@Operation(
    "Look at a collection",
    Tag.COLLECTIONS,
    answers(_answered()),
    needs="membership, or `collections.view_all_collections`",
    codes=(404, 40302),
)
async def view_collection(call: Authenticated) -> Response:
    """R14: look at one collection."""
    collection_id = call.path("collection_id")
    opened = await call.instance.collections.open(call.actor, collection_id, Action.VIEW)
    return _answer(opened.collection)


@Operation(
    "Delete an empty collection",
    Tag.COLLECTIONS,
    answers(_answered("OK, collection was deleted")),
    needs=(
        "`collections.delete_allowed_collections` as a member, or "
        "`collections.modify_any_collection_regardless_if_user_was_allowed_in_collection`"
    ),
    query=(SIMULATE,),
    codes=(404, 40303, 40108),
)
async def delete_collection(call: Writing) -> Response:
    """R15: delete an empty collection."""
    collection_id = call.path("collection_id")
    simulate = call.simulate
    collection = await call.instance.collections.delete(call.actor, collection_id, simulate=simulate)
    return _answer(collection, "OK, collection was deleted")
