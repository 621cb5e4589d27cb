"""Giving, changing and withdrawing access to a collection (contract B 5)."""

from __future__ import annotations

from starlette.responses import Response

from backup_repository.errors import DomainError, FieldError, InvalidFields
from backup_repository.web.body import Fields
from backup_repository.web.collections import page_of
from backup_repository.web.notices import Said
from backup_repository.web.visit import SignedIn


async def give_access(visit: SignedIn, fields: Fields) -> Response:
    """Give somebody access, named by e-mail or id."""
    try:
        user = await _named(visit, fields.text("user").strip())
        await visit.instance.members.grant(visit.actor, visit.path("collection_id"), user, fields.every("permissions"))
    except DomainError as error:
        return await page_of(visit, error=error)
    return _back(visit)


async def change_access(visit: SignedIn, fields: Fields) -> Response:
    """Replace what a member may do here."""
    try:
        await visit.instance.members.grant(
            visit.actor, visit.path("collection_id"), visit.path("user_id"), fields.every("permissions")
        )
    except DomainError as error:
        return await page_of(visit, error=error)
    return _back(visit)


async def withdraw_access(visit: SignedIn, _fields: Fields) -> Response:
    """End a membership."""
    try:
        await visit.instance.members.withdraw(visit.actor, visit.path("collection_id"), visit.path("user_id"))
    except DomainError as error:
        return await page_of(visit, error=error)
    return _back(visit, Said.TOKEN_REVOKED)


async def _named(visit: SignedIn, text: str) -> str:
    """Return the id of the account that was typed; who may not search for users types ids.

    Raises:
        InvalidFields: there is no such account.
        PermissionDenied: the session may not search for users (40314).
    """
    if "@" not in text:
        return text
    found = await visit.instance.accounts.search(visit.actor, text, offset=0, limit=20)
    exact = [user.id for user in found.users if user.email.casefold() == text.casefold()]
    if not exact:
        raise InvalidFields({"user": FieldError("There is no account with this e-mail", 40005)})
    return exact[0]


def _back(visit: SignedIn, said: Said = Said.CHANGES_SAVED) -> Response:
    return visit.go(f"/backup/collection/{visit.path('collection_id')}", said)
