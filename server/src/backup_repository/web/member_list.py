"""Who has access, on a collection's page."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access.decide import Action, may_give
from backup_repository.access.door import Opened
from backup_repository.access.model import COLLECTION_PERMISSIONS, DESCRIPTIONS, Permission
from backup_repository.access.store import Member
from backup_repository.users.model import User
from backup_repository.web.visit import SignedIn

_OFFERED = 200


@dataclass(frozen=True, slots=True)
class Toggle:
    """One of the eight permissions, as a person reads it."""

    name: str
    label: str
    may_give: bool
    """Whether the session could give it here."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the page shows."""

    members: tuple[Member, ...]
    toggles: tuple[Toggle, ...]
    candidates: tuple[User, ...]
    """Accounts that could be given access; empty when the session may not search for users."""


async def of(visit: SignedIn, opened: Opened) -> Access | None:
    """Read what the page shows; None when the session may not see who has access here."""
    if not visit.may(Action.LIST_ACCESS, opened.entry):
        return None
    _, members = await visit.instance.members.list(visit.actor, opened.collection.id)
    candidates: tuple[User, ...] = ()
    if visit.may(Action.MANAGE_ACCESS, opened.entry) and visit.may(Action.SEARCH_USERS):
        found = await visit.instance.accounts.search(visit.actor, "", offset=0, limit=_OFFERED)
        there = {member.user_id for member in members}
        candidates = tuple(user for user in found.users if user.id not in there)
    return Access(members, _toggles(visit, opened), candidates)


def _toggles(visit: SignedIn, opened: Opened) -> tuple[Toggle, ...]:
    return tuple(
        Toggle(permission.value, _label(permission), may_give(visit.actor, opened.entry, [permission]))
        for permission in COLLECTION_PERMISSIONS
    )


def _label(permission: Permission) -> str:
    return DESCRIPTIONS[permission].partition("] ")[2]
