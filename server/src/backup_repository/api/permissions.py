"""The permissions that exist (contract 4.5)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.access.decide import Action, is_administrator, require
from backup_repository.access.model import COLLECTION_PERMISSIONS, DESCRIPTIONS, RESTRICTIONS, Permission, Permissions
from backup_repository.api import render, schemas
from backup_repository.api.caller import Authenticated
from backup_repository.api.described import Operation, Parameter, Tag, answers
from backup_repository.api.shapes import always, record, text


@Operation(
    "List the permissions",
    Tag.ACCOUNTS,
    answers(
        record(
            {
                "message": always(""),
                "status": schemas.TRUE,
                "permissions": schemas.PERMISSION_TEXTS.meaning("Those that `limits` leaves"),
                "all_permissions": schemas.PERMISSION_TEXTS,
            }
        )
    ),
    needs="`security.list_permissions`",
    query=(
        Parameter(
            "limits",
            "`auth`: only those the caller holds; `collection`: only those of a collection",
            text("auth,collection"),
        ),
    ),
    codes=(40321,),
)
async def list_permissions(call: Authenticated) -> Response:
    """R10: every permission with its description, and those that the caller could give away."""
    require(call.actor, Action.LIST_PERMISSIONS)
    limits = {word.strip() for word in call.query.get("limits", "").split(",")}
    shown = frozenset(Permission)
    if "auth" in limits:
        owned = await call.instance.tokens.owned(call.actor)
        shown &= owned | RESTRICTIONS if is_administrator(call.actor) else owned
    if "collection" in limits:
        shown &= frozenset(COLLECTION_PERMISSIONS)
    everything = _described(frozenset(Permission))
    content = {"message": "", "status": True, "permissions": _described(shown), "all_permissions": everything}
    return render.json_response(content)


def _described(permissions: Permissions) -> dict[str, str]:
    return {permission.value: DESCRIPTIONS[permission] for permission in Permission if permission in permissions}
