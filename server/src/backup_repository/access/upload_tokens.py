"""Tokens for one upload that a person starts in a browser: only to one collection, once, begun within minutes.

Unlike `Tokens.generate` this needs no right to make tokens, since what is made can do less than the session itself and
is never shown to anybody. An upload that has begun goes on past its expiry.
"""

from __future__ import annotations

from backup_repository.access import signing, store
from backup_repository.access.decide import Action
from backup_repository.access.door import open_collection
from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Actor, Permission, TokenKind
from backup_repository.access.trail import record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.errors import PermissionDenied, Unauthenticated

LIFETIME = 300
"""Seconds in which the upload must begin."""
_SCOPE = frozenset({Permission.UPLOAD_ALL, Permission.UPLOAD, Permission.UPLOAD_ONCE})


class UploadTokens:
    """The job that mints them."""

    def __init__(self, database: Database, keys: KeyPair, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def mint(self, actor: Actor, collection_id: str) -> str:
        """Return the text of a new, recorded token for one upload into a collection.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not upload there, or is no member (40308).
            Unauthenticated: the account is gone.
        """
        async with self._database.transaction() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.UPLOAD)
            if opened.entry is None:  # the right to modify any collection would open more than uploads
                raise PermissionDenied("Only members can upload from a browser; give yourself access first", 40308)
            text, token = signing.sign(
                self._keys,
                actor.user,
                TokenKind.GENERATED,
                _SCOPE,
                lifetime=LIFETIME,
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
