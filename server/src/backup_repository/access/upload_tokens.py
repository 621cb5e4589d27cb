"""Tokens for one upload that a person starts in a browser: only to one collection, once, within minutes.

Unlike `Tokens.generate` this needs no right to make tokens, since what is made can do less than the session itself and
is never shown to anybody. An upload that the application reads itself goes on past the token's expiry; one that a
proxy receives first is looked at when it is whole, so a token lasts as long as its upload may take.
"""

from __future__ import annotations

from backup_repository.access import signing, store
from backup_repository.access.decide import Action, restrictions
from backup_repository.access.door import Opened, open_collection
from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Actor, Permission, TokenKind
from backup_repository.access.trail import record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.errors import PermissionDenied, Unauthenticated

LIFETIME = 300
"""Seconds in which a small upload must have arrived at a proxy, which hands whole bodies over, or begun without one."""
_SLOWEST = 125_000
"""Bytes a second of the slowest line for which a larger upload's token is made to last: 1 Mbit/s."""
_LONGEST = 12 * 3600
"""Seconds after which any of these tokens ends."""
_SCOPE = frozenset({Permission.UPLOAD_ALL, Permission.UPLOAD, Permission.UPLOAD_ONCE})


def why_not(opened: Opened) -> str | None:
    """Say why nobody gets such a token who may upload to a collection; None: nothing is against it."""
    if opened.entry is None:  # the right to modify any collection would open more than uploads
        return "Only members can upload from a browser; give yourself access first"
    once = Permission.UPLOAD_ONCE in restrictions(opened.actor)
    if once and opened.actor.token.kind is TokenKind.GENERATED:  # each minted token would be another upload
        return "This token is for one upload, which it does by itself and not from a browser"
    return None


class UploadTokens:
    """The job that mints them."""

    def __init__(self, database: Database, keys: KeyPair, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def mint(self, actor: Actor, collection_id: str, size: int = 0) -> str:
        """Return the text of a new, recorded token for one upload into a collection.

        Args:
            actor: who uploads.
            collection_id: where to.
            size: bytes of the upload.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not upload there, or is no member (40308).
            Unauthenticated: the account is gone.
        """
        async with self._database.transaction() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.UPLOAD)
            problem = why_not(opened)
            if problem is not None:
                raise PermissionDenied(problem, 40308)
            text, token = signing.sign(
                self._keys,
                actor.user,
                TokenKind.GENERATED,
                _SCOPE | restrictions(actor),
                lifetime=min(_LONGEST, LIFETIME + size // _SLOWEST),
                description=f"Upload from a browser into {opened.collection.filename}",
                now=self._clock(),
                collection_id=opened.collection.id,
            )
            try:
                await store.add_token(tx, token)
            except store.AccountGone as error:
                raise Unauthenticated(signing.INVALID) from error
            await record(tx, actor, Event.TOKEN_GENERATED, token.id, token.issued_at, detail=token.shortcut)
        return text
