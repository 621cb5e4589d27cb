"""Who has access to a collection (contract 7)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.decide import Action
from backup_repository.access.members import MembershipChange
from backup_repository.access.model import Permission
from backup_repository.access.names import in_order
from backup_repository.api import render
from backup_repository.api.body import Form, check, json_object
from backup_repository.api.caller import Authenticated, Writing
from backup_repository.api.fields import Text, Texts


class GrantForm(Form):
    """Body of R17."""

    user: Text
    permissions: Texts = ()


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
