"""The one door to a collection: only it mints `Opened`, and stores of versions accept nothing else.

Forgetting the check is thus a type error. Order of contract 1.4: an unknown collection is not found for every
authenticated caller; one the caller may not use is refused with the action's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from backup_repository.access import signing, store
from backup_repository.access.admit import admit
from backup_repository.access.decide import Action, require
from backup_repository.access.model import Actor, Permissions, Token
from backup_repository.collections import store as collections_store
from backup_repository.collections.model import Collection
from backup_repository.database.direct import Reader
from backup_repository.errors import NotFound, PermissionDenied, Unauthenticated
from backup_repository.ids import parse_uuid
from backup_repository.users.model import User

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Opened:
    """A collection that was opened for one action by an actor who may do it."""

    collection: Collection
    actor: Actor
    action: Action
    entry: Permissions | None
    """The actor's entry in the collection's access control list; None: no member."""
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("only the door opens collections")


async def open_collection(
    tx: Reader, actor: Actor, collection_id: str, action: Action, *, lock: bool = False
) -> Opened:
    """Open a collection for one action; with lock nobody else changes it until the transaction ends.

    Raises:
        NotFound: there is no such collection.
        PermissionDenied: the actor may not do this there.
    """
    try:
        wanted = parse_uuid(collection_id)
    except ValueError as error:
        raise NotFound from error
    collection, entry = await _look(tx, wanted, actor.user.id, lock=lock)
    require(actor, action, entry)
    if actor.only_collection not in {None, collection.id}:
        raise PermissionDenied("This token is for another collection", 40308)
    return Opened(collection, actor, action, entry, _SEAL)


async def open_again(tx: Reader, opened: Opened, now: datetime, *, lock: bool = True) -> Opened:
    """Open the same collection for the same action, with account, token and access as they are now.

    Raises:
        NotFound: the collection is gone.
        Unauthenticated: the account is gone.
        PermissionDenied: access does not hold any more (the action's code), the account was switched off (40322), or
            the token was revoked or used up (40324).
    """
    collection, entry = await _look(tx, opened.collection.id, opened.actor.user.id, lock=lock)
    user, token = await store.account_and_token(tx, opened.actor.user.id, opened.actor.token.token_hash)
    actor = replace(_still_admitted(user, token, now), address=opened.actor.address)
    require(actor, opened.action, entry)
    return Opened(collection, actor, opened.action, entry, _SEAL)


async def _look(tx: Reader, collection_id: str, user_id: str, *, lock: bool) -> tuple[Collection, Permissions | None]:
    """Read a collection and an account's entry in it (None: no member).

    Raises:
        NotFound: there is no such collection.
    """
    if not lock:
        found, entry = await store.collection_and_entry(tx, collection_id, user_id)
        if found is None:
            raise NotFound
        return found, entry
    collection = await collections_store.by_id(tx, collection_id, lock=True)
    if collection is None:
        raise NotFound
    return collection, await store.entry(tx, collection_id, user_id)


def _still_admitted(user: User | None, token: Token | None, now: datetime) -> Actor:
    if user is None or token is None:
        raise Unauthenticated(signing.INVALID)
    # where the request came from was judged when it began, and cannot change
    anywhere = replace(user, allowed_ip_addresses=(), allowed_user_agents=())
    admit(anywhere, token, now=now, address="", user_agent="")
    return Actor(user=user, token=token, entries=frozenset())
