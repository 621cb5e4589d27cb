"""`/users` and `/user`: search, look, create, edit, delete (contract B 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from backup_repository.access.decide import Action, is_administrator, may_delete_user, may_list_tokens, require
from backup_repository.access.first_run import ORGANIZATION_PERMISSIONS
from backup_repository.access.model import DESCRIPTIONS, RESTRICTIONS, Permission
from backup_repository.errors import DomainError
from backup_repository.users.model import User
from backup_repository.web import pages, user_forms
from backup_repository.web.body import Fields
from backup_repository.web.notices import (
    BAD,
    Notice,
    Said,
    ends_session,
    explained,
    field_problems,
    status_of,
    tell_when,
)
from backup_repository.web.paging import PAGE_SIZE, Paging
from backup_repository.web.visit import SignedIn


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the 37 permissions, as a person reads it."""

    name: str
    group: str
    label: str
    grantable: bool
    """Whether the session may give it."""


async def list_users(visit: SignedIn) -> Response:
    """Search; the address carries what for."""
    require(visit.actor, Action.SEARCH_USERS)
    paging = Paging.read(visit.query("page"))
    text = visit.query("q")
    found = await visit.instance.accounts.search(visit.actor, text, offset=paging.offset, limit=PAGE_SIZE)
    return visit.page(
        "users.html",
        text=text,
        found=found.users,
        paging=paging.of(found.total),
        now=visit.instance.clock(),
        may_create=visit.may(Action.CREATE_USER) and not visit.instance.config.read_only,
    )


async def show_new_user(visit: SignedIn) -> Response:
    """Ask for the details of a new account."""
    require(visit.actor, Action.CREATE_USER)
    return _new(visit, _EMPTY, frozenset(ORGANIZATION_PERMISSIONS))


async def create_user(visit: SignedIn, fields: Fields) -> Response:
    """Create an account."""
    require(visit.actor, Action.CREATE_USER)
    said = user_forms.missing(fields, new=True)
    chosen = frozenset(fields.every("permissions"))
    if said:
        return _new(visit, _typed(fields), chosen, status=400, notices=tuple(Notice(BAD, one) for one in said))
    try:
        user = await visit.instance.accounts.create(visit.actor, user_forms.read_new(fields, visit.instance.clock()))
    except DomainError as error:
        if ends_session(error):
            raise
        return _new(
            visit,
            _typed(fields),
            chosen,
            status=status_of(error),
            notices=(explained(error),),
            problems=field_problems(error),
        )
    there = f"/user/{user.id}" if visit.may(Action.LOOK_UP_USER) else "/overview"
    return visit.go(there, Said.USER_SAVED)


async def show_user(visit: SignedIn) -> Response:
    """Show a profile: the own one to everybody, others to who may look accounts up."""
    return _profile(visit, await _wanted(visit))


async def save_user(visit: SignedIn, fields: Fields) -> Response:
    """Change an account: an administrator the whole record, anybody else a little of the own one."""
    user = await _wanted(visit)
    said = user_forms.missing(fields, new=False)
    if said:
        return _profile(visit, user, fields, status=400, notices=tuple(Notice(BAD, one) for one in said))
    try:
        whole = is_administrator(visit.actor)
        edit = user_forms.read_edit(fields, user, visit.instance.clock(), whole=whole)
        await visit.instance.profiles.edit(visit.actor, user.id, edit)
    except DomainError as error:
        if ends_session(error):
            raise
        page = _profile(
            visit,
            user,
            fields,
            status=status_of(error),
            notices=(explained(error),),
            problems=field_problems(error),
        )
        tell_when(page, error)
        return page
    return visit.go(f"/user/{user.id}", Said.USER_SAVED)


async def delete_user(visit: SignedIn, fields: Fields) -> Response:
    """Delete an account after its exact e-mail was typed."""
    require(visit.actor, Action.DELETE_USER)
    user = await _wanted(visit)
    if fields.text("typed") != user.email:
        return _profile(visit, user, status=400, notices=(Notice(BAD, Said.NOT_TYPED),))
    try:
        await visit.instance.accounts.delete(visit.actor, user.id)
    except DomainError as error:
        if ends_session(error):
            raise
        return _profile(visit, user, status=status_of(error), notices=(explained(error),))
    return visit.go("/users" if visit.may(Action.SEARCH_USERS) else "/overview", Said.USER_DELETED)


async def _wanted(visit: SignedIn) -> User:
    """Return the addressed account; the own one is known already, whatever the session may look up.

    Raises:
        NotFound, PermissionDenied: as `Accounts.look_up`.
    """
    user_id = visit.path("user_id")
    if user_id.lower() == visit.actor.user.id:
        return visit.actor.user
    return await visit.instance.accounts.look_up(visit.actor, user_id)


_TEXTS = ("email", "organization", "about", "expires", "tags", "allowedIpAddresses", "allowedUserAgents")
_EMPTY = {**dict.fromkeys(_TEXTS, ""), "maxAllowedFileSize": "0", "active": "on"}


def _typed(fields: Fields) -> dict[str, str]:
    return {name: fields.text(name) for name in (*_TEXTS, "maxAllowedFileSize", "active")}


def _shown(user: User) -> dict[str, str]:
    return {
        "email": user.email,
        "organization": user.organization,
        "about": user.about,
        "expires": pages.iso(user.expires_at) if user.expires_at else "",
        "tags": "\n".join(user.tags),
        "allowedIpAddresses": "\n".join(user.allowed_ip_addresses),
        "allowedUserAgents": "\n".join(user.allowed_user_agents),
        "maxAllowedFileSize": str(user.max_allowed_file_size),
        "active": "on" if user.active else "",
    }


def _new(
    visit: SignedIn,
    typed: dict[str, str],
    chosen: frozenset[str],
    *,
    status: int = 200,
    notices: tuple[Notice, ...] = (),
    problems: dict[str, Any] | None = None,
) -> Response:
    return visit.page(
        "user.html",
        status=status,
        notices=notices,
        user=None,
        typed=typed,
        problems=problems or {},
        choices=choices(visit),
        chosen=chosen,
        whole=True,
        needs_current=False,
        may_edit=True,
        may_delete=False,
        lists_tokens=False,
    )


def _profile(
    visit: SignedIn,
    user: User,
    fields: Fields | None = None,
    *,
    status: int = 200,
    notices: tuple[Notice, ...] = (),
    problems: dict[str, Any] | None = None,
) -> Response:
    whole = is_administrator(visit.actor)
    own = user.id == visit.actor.user.id
    writable = not visit.instance.config.read_only
    typed = _shown(user) | (_typed(fields) if fields else {}) | {"email": user.email}
    if not whole:  # what was not in the form stays as it is
        typed = _shown(user) | ({name: typed[name] for name in ("organization", "about")} if fields else {})
    return visit.page(
        "user.html",
        status=status,
        notices=notices,
        user=user,
        typed=typed,
        problems=problems or {},
        choices=choices(visit),
        chosen=frozenset(fields.every("permissions")) if fields and whole else user.permissions,
        whole=whole,
        needs_current=not whole,
        may_edit=(whole or own) and writable,
        may_delete=may_delete_user(visit.actor, user) and writable,
        lists_tokens=may_list_tokens(visit.actor, user.id),
    )


def choices(visit: SignedIn) -> tuple[Choice, ...]:
    """Return every permission; only an administrator makes administrators."""
    administrator = is_administrator(visit.actor)
    return tuple(
        Choice(
            permission.value,
            DESCRIPTIONS[permission].partition("] ")[0].removeprefix("["),
            DESCRIPTIONS[permission].partition("] ")[2],
            administrator or permission is not Permission.ADMINISTRATOR,
        )
        for permission in Permission
    )


def own_choices(visit: SignedIn, owned: frozenset[Permission]) -> tuple[Choice, ...]:
    """Return the permissions a token of this session may name."""
    return tuple(choice for choice in choices(visit) if Permission(choice.name) in owned | RESTRICTIONS)
