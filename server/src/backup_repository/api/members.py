"""Who has access to a collection (contract 7)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from starlette.responses import Response

from backup_repository.access.decide import Action
from backup_repository.access.members import MembershipChange
from backup_repository.access.model import Permission
from backup_repository.access.names import in_order
from backup_repository.api import render, schemas
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.described import Operation, Tag, answers
from backup_repository.api.fields import COLLECTION_GRANTS, TEXT, Text, Texts, shown
from backup_repository.api.paging import SIMULATE
from backup_repository.api.shapes import always, listed, record


class GrantForm(Form):
    """Body of R17."""

    example: ClassVar[dict[str, Any]] = {
        "user": "7f4b2c1e-93a5-4c55-9b0d-0a3c5d1e8f42",
        "permissions": [Permission.UPLOAD.value, Permission.LIST_VERSIONS.value],
    }

    user: Annotated[Text, shown(TEXT, "The id of the account")]
    permissions: Annotated[
        Texts, shown(COLLECTION_GRANTS, "What the account may do in this collection; any other name is 40010")
    ] = ()


_CHANGED = record(
    {
        "message": always("OK"),
        "status": schemas.TRUE,
        "data": record(
            {
                "user": record({"id": schemas.USER_ID, "email": schemas.EMAIL, "permissions": schemas.PERMISSIONS}),
                "collection": schemas.COLLECTION,
                "users_count": schemas.COUNT.meaning("Members after the change"),
            }
        ),
    }
)


@Operation(
    "List who has access",
    Tag.ACCESS,
    answers(record({"message": always("OK"), "status": schemas.TRUE, "users": listed(schemas.MEMBER)})),
    needs="`collections.can_list_users_in_allowed_collections` as a member",
    codes=(404, 40307),
)
async def list_members(call: Authenticated) -> Response:
    """R16: list who has access."""
    collection_id = call.path("collection_id")
    collection, members = await call.instance.members.list(call.actor, collection_id)
    users = [
        {
            "user_id": member.user_id,
            "user_email": member.email,
            "permissions": list(in_order(member.permissions)),
            "collection_id": collection.id,
        }
        for member in members
    ]
    return render.json_response({"message": "OK", "status": True, "users": users})


@Operation(
    "Give access",
    Tag.ACCESS,
    answers(_CHANGED),
    needs=(
        "`collections.manage_users_in_allowed_collections`, and each permission that is given, as a member or with "
        "`collections.modify_any_collection_regardless_if_user_was_allowed_in_collection`"
    ),
    details="Replaces what the account could do. An empty list still makes it a member, who sees the collection.",
    body=GrantForm,
    query=(SIMULATE,),
    codes=(404, 40308, 40010, 40315),
)
async def grant_access(call: Writing) -> Response:
    """R17: give access, or replace what was given."""
    collection_id = call.path("collection_id")
    body = await json_object(call.request)
    await call.instance.collections.open(call.actor, collection_id, Action.MANAGE_ACCESS)
    form = check(GrantForm, body)
    change = await call.instance.members.grant(
        call.actor, collection_id, form.user, form.permissions, simulate=call.simulate
    )
    return _answer(change)


@Operation(
    "Withdraw access",
    Tag.ACCESS,
    answers(_CHANGED),
    needs="as for giving access",
    query=(SIMULATE,),
    codes=(404, 40308),
)
async def withdraw_access(call: Writing) -> Response:
    """R18: withdraw access."""
    collection_id = call.path("collection_id")
    user_id = call.path("user_id")
    simulate = call.simulate
    return _answer(await call.instance.members.withdraw(call.actor, collection_id, user_id, simulate=simulate))


def _answer(change: MembershipChange) -> Response:
    permissions = in_order(Permission(name) for name in change.user.permissions)
    data = {
        "user": {"id": change.user.id, "email": change.user.email, "permissions": list(permissions)},
        "collection": render.collection(change.collection),
        "users_count": change.members_count,
    }
    return render.json_response({"message": "OK", "status": True, "data": data})
