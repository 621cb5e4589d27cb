"""Account, access control list, token scope → yes or no. Pure; the whole of contract section 4.

Four sets say what a session may do (contract 4.2): the global set, the effective set in one collection, what it owns
at all, and the restrictions in force. A login session follows its account. A generated token is narrowed by its
scope and is never more than the account: both are looked at afresh for every request.

Every action has one row in `_RULES`: the code and sentence of its refusal, and when it is allowed. Administrators
pass every row. Membership (an entry in the collection's list, even an empty one) belongs to the account and is not
narrowed by a scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum, auto

from backup_repository.access.model import (
    COLLECTION_PERMISSIONS,
    GRANTS,
    RESTRICTIONS,
    Actor,
    Permission,
    Permissions,
    Token,
    TokenKind,
)
from backup_repository.errors import PermissionDenied
from backup_repository.users.model import User


class Action(StrEnum):
    """Everything that somebody may or may not do."""

    CREATE_COLLECTION = auto()
    CHOOSE_COLLECTION_ID = auto()
    UNLIMITED = auto()
    """Leave a limit of a collection unlimited."""
    SEARCH_COLLECTIONS = auto()
    VIEW = auto()
    """See a collection; without a particular collection: see every collection."""
    EDIT = auto()
    DELETE = auto()
    LIST_ACCESS = auto()
    MANAGE_ACCESS = auto()
    UPLOAD = auto()
    LIST_VERSIONS = auto()
    DOWNLOAD = auto()
    DELETE_VERSION = auto()
    CREATE_USER = auto()
    CHOOSE_USER_ID = auto()
    LOOK_UP_USER = auto()
    SEARCH_USERS = auto()
    DELETE_USER = auto()
    LIST_PERMISSIONS = auto()
    GENERATE_TOKEN = auto()
    VIEW_METRICS = auto()
    """See the numbers of the whole server; who may not gets the answer without numbers."""
    TECHNICAL_OUTPUT = auto()
    """Get the numbers in a format for machines."""
    LIST_FILES = auto()
    READ_ANY_FILE = auto()


def expand(permissions: Iterable[str | Permission]) -> Permissions:
    """Add what `security.administrator` includes: all 35 grants, never the restrictions (contract 4.2).

    Raises:
        ValueError: a name is none of the 37.
    """
    named = frozenset(Permission(name) for name in permissions)
    return named | GRANTS if Permission.ADMINISTRATOR in named else named


def recorded(permissions: Permissions) -> Permissions:
    """Return what to record of a list that was sent: an administrator's expansion is never stored (contract 13)."""
    return permissions - GRANTS | {Permission.ADMINISTRATOR} if permissions >= GRANTS else permissions


def _narrowed(actor: Actor, permissions: Permissions) -> Permissions:
    """Apply the scope of a generated token; a login session has none."""
    if actor.token.kind is TokenKind.SESSION:
        return permissions
    return permissions & expand(actor.token.scope)


def global_permissions(actor: Actor) -> Permissions:
    """Return what the session may do regardless of any collection."""
    return _narrowed(actor, expand(actor.user.permissions))


def effective(actor: Actor, entry: Permissions | None) -> Permissions:
    """Return what the session may do in a collection, given the account's entry there (None: no member)."""
    return _narrowed(actor, expand(actor.user.permissions) | (entry or frozenset()))


def owned(actor: Actor) -> Permissions:
    """Return everything the session holds, globally or in any collection."""
    return _narrowed(actor, expand(actor.user.permissions) | actor.entries)


def restrictions(actor: Actor) -> Permissions:
    """Return the restrictions in force: those of the account and those named in a generated token's scope."""
    account = expand(actor.user.permissions)
    named = account if actor.token.kind is TokenKind.SESSION else account | actor.token.scope
    return named & RESTRICTIONS


def is_administrator(actor: Actor) -> bool:
    """Whether the session, not only the account, has full control."""
    return Permission.ADMINISTRATOR in global_permissions(actor)


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the rules look at."""

    everywhere: Permissions
    """The global set."""
    here: Permissions
    """The effective set in the addressed collection."""
    member: bool

    @property
    def any_collection(self) -> bool:
        """Whether modifying rights count without membership."""
        return Permission.MODIFY_ANY_COLLECTION in self.everywhere

    def in_reach(self, permission: Permission) -> bool:
        """Whether the permission holds here, and the session is a member or may modify any collection."""
        return permission in self.here and (self.member or self.any_collection)

    def as_member(self, permission: Permission) -> bool:
        """Whether the permission holds here, for a member only."""
        return self.member and permission in self.here


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of the decision table."""

    code: int
    sentence: str
    allowed: Callable[[_Sight], bool]


def _holds(*permissions: Permission) -> Callable[[_Sight], bool]:
    """Allow who has all these permissions in the global set."""
    return lambda sight: sight.everywhere.issuperset(permissions)


_RULES: dict[Action, _Rule] = {
    # Collections (contract 4.4)
    Action.CREATE_COLLECTION: _Rule(
        40306, "No permission to create collections", _holds(Permission.CREATE_COLLECTIONS)
    ),
    Action.CHOOSE_COLLECTION_ID: _Rule(
        40305,
        "No permission to choose the id of a collection",
        _holds(Permission.CREATE_COLLECTIONS, Permission.CHOOSE_COLLECTION_IDS),
    ),
    Action.UNLIMITED: _Rule(
        40306, "No permission to leave limits of a collection unlimited", _holds(Permission.UNLIMITED_COLLECTIONS)
    ),
    Action.SEARCH_COLLECTIONS: _Rule(
        40304, "No permission to search for collections", _holds(Permission.LIST_COLLECTIONS)
    ),
    Action.VIEW: _Rule(
        40302,
        "No permission to read this collection",
        lambda sight: sight.member or Permission.VIEW_ALL_COLLECTIONS in sight.everywhere,
    ),
    Action.EDIT: _Rule(
        40307,
        "No permission to edit this collection",
        lambda sight: sight.any_collection or sight.as_member(Permission.EDIT_COLLECTION),
    ),
    Action.DELETE: _Rule(
        40303,
        "No permission to delete this collection",
        lambda sight: sight.any_collection or sight.as_member(Permission.DELETE_COLLECTION),
    ),
    Action.LIST_ACCESS: _Rule(
        40307,
        "No permission to list who has access to this collection",
        lambda sight: sight.as_member(Permission.LIST_ACCESS),
    ),
    Action.MANAGE_ACCESS: _Rule(
        40308,
        "No permission to manage access to this collection",
        lambda sight: sight.in_reach(Permission.MANAGE_ACCESS),
    ),
    Action.UPLOAD: _Rule(
        40308,
        "No permission to upload to this collection",
        lambda sight: sight.in_reach(Permission.UPLOAD) and Permission.UPLOAD_ALL in sight.everywhere,
    ),
    Action.LIST_VERSIONS: _Rule(
        40311,
        "No permission to list the versions of this collection",
        lambda sight: sight.in_reach(Permission.LIST_VERSIONS),
    ),
    Action.DOWNLOAD: _Rule(
        40310,
        "No permission to download versions of this collection",
        lambda sight: sight.as_member(Permission.DOWNLOAD),
    ),
    Action.DELETE_VERSION: _Rule(
        40309,
        "No permission to delete versions of this collection",
        lambda sight: sight.in_reach(Permission.DELETE_VERSIONS),
    ),
    # The whole server (contract 2, 5, 9, 10)
    Action.CREATE_USER: _Rule(40300, "No permission to create users", _holds(Permission.CREATE_USERS)),
    Action.CHOOSE_USER_ID: _Rule(40301, "No permission to choose user ids", _holds(Permission.CHOOSE_USER_IDS)),
    Action.LOOK_UP_USER: _Rule(40313, "No permission to look up users", _holds(Permission.LOOK_UP_USERS)),
    Action.SEARCH_USERS: _Rule(
        40314, "No permission to search for users", _holds(Permission.LOOK_UP_USERS, Permission.SEARCH_USERS)
    ),
    Action.DELETE_USER: _Rule(40303, "No permission to delete users", _holds(Permission.DELETE_USERS)),
    Action.LIST_PERMISSIONS: _Rule(40321, "No permission to list permissions", _holds(Permission.LIST_PERMISSIONS)),
    Action.GENERATE_TOKEN: _Rule(40316, "No permission to generate tokens", _holds(Permission.GENERATE_TOKENS)),
    Action.VIEW_METRICS: _Rule(40312, "No permission to view metrics", _holds(Permission.VIEW_METRICS)),
    Action.TECHNICAL_OUTPUT: _Rule(40312, "No permission to use technical output", _holds(Permission.VIEW_METRICS)),
    Action.LIST_FILES: _Rule(40304, "No permission to list stored files", _holds(Permission.LIST_FILES)),
    Action.READ_ANY_FILE: _Rule(40302, "No permission to read stored files", _holds(Permission.VIEW_ANY_FILE)),
}


def may(actor: Actor, action: Action, entry: Permissions | None = None) -> bool:
    """Whether the session may do this (contract 4.4).

    Args:
        actor: the session.
        action: what it wants to do.
        entry: the account's entry in the addressed collection: None is no member, an empty one is a member.
    """
    if is_administrator(actor):
        return True
    sight = _Sight(global_permissions(actor), effective(actor, entry), entry is not None)
    return _RULES[action].allowed(sight)


def require(actor: Actor, action: Action, entry: Permissions | None = None) -> None:
    """Refuse what the session may not do; the arguments are those of `may`.

    Raises:
        PermissionDenied: with the action's code of contract 1.5.
    """
    if not may(actor, action, entry):
        rule = _RULES[action]
        raise PermissionDenied(rule.sentence, rule.code)


def may_give(actor: Actor, entry: Permissions | None, permissions: Iterable[str | Permission]) -> bool:
    """Whether the session may give these permissions in the collection where it has this entry (4.4, code 40315)."""
    return (effective(actor, entry) & frozenset(COLLECTION_PERMISSIONS)).issuperset(permissions)


def may_request(actor: Actor, names: Iterable[str | Permission]) -> bool:
    """Whether the session may put these names into a token: grants it owns, any restrictions (3.5, code 40316)."""
    return (owned(actor) | RESTRICTIONS).issuperset(names)


def scope_for(actor: Actor, requested: Iterable[str | Permission]) -> Permissions:
    """Return the scope of the token that the session asks for (contract 3.5).

    Nothing requested means everything the session has. A login session then also names the eight per-collection
    permissions, so that the token follows entries given later. Every restriction in force is carried on.

    Raises:
        ValueError: a requested name is none of the 37.
    """
    scope = frozenset(Permission(name) for name in requested)
    if not scope and actor.token.kind is TokenKind.SESSION:
        scope = frozenset(Permission(name) for name in actor.user.permissions) | frozenset(COLLECTION_PERMISSIONS)
    return (scope or actor.token.scope) | restrictions(actor)


def may_revoke(actor: Actor, token: Token, *, owner_is_administrator: bool) -> bool:
    """Whether the session may revoke the token (contract 3.7, code 40318); the first matching rule decides.

    Args:
        actor: the session.
        token: the token to revoke.
        owner_is_administrator: whether the account permissions of the token's owner name `security.administrator`.
    """
    if is_administrator(actor) or token.id == actor.token.id:
        return True
    if token.user_id == actor.user.id:
        return Permission.REVOKE_OWN_TOKENS in global_permissions(actor)
    return Permission.REVOKE_ALL_TOKENS in global_permissions(actor) and not owner_is_administrator


def may_delete_user(actor: Actor, user: User) -> bool:
    """Whether the session may delete the account (contract 5.7, code 40303)."""
    return is_administrator(actor) or (
        may(actor, Action.DELETE_USER) and Permission.ADMINISTRATOR.value not in user.permissions
    )


def may_list_tokens(actor: Actor, user_id: str) -> bool:
    """Whether the session may list the tokens of the account with this id, lower case (contract 3.6, code 40317)."""
    permissions = global_permissions(actor)
    own = user_id == actor.user.id and Permission.SEE_OWN_TOKENS in permissions
    return own or Permission.SEE_ALL_TOKENS in permissions
