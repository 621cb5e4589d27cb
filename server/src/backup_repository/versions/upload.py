"""Uploads a version.

The order of the steps is the safety (contract 8.4):

1. the door: may this actor upload here? What headers already break is refused before the body is read;
2. the bytes become a *whole, durable* blob: counted, hashed, fsynced (or completed on the object store);
3. one transaction: lock the collection, check everything again, take the next number, insert the version, retire what
   rotation pushes out. **Its commit is the moment the version exists.** Only then the answer is sent;
4. afterwards the sweep deletes retired blobs and litter, and may be killed at any point and run again.

So a row without a blob cannot happen, a blob without a row is litter, a failed upload never costs an older version,
and an acknowledged one survives a power cut. Nobody but the sweep deletes a finished blob: a commit whose answer got
lost may have happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from backup_repository.access import store as access_store
from backup_repository.access.decide import Action, restrictions
from backup_repository.access.door import Opened, open_again, open_collection
from backup_repository.access.model import Actor, Permission
from backup_repository.access.trail import record, record_refusal
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.collections import store as collections_store
from backup_repository.collections.model import Collection
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import BadUpload, PermissionDenied, RuleBroken, StorageUnavailable
from backup_repository.metrics.counters import Counters
from backup_repository.sizes import format_size
from backup_repository.storage.base import AdoptedDraft, CannotAdopt, Draft, Storage
from backup_repository.storage.receive import Budget, Received, TooLarge, receive, receive_adopted
from backup_repository.versions import store
from backup_repository.versions.model import Version, version_filename
from backup_repository.versions.plan import StoredVersion, already_full, judge, may_leave, upload_limit

_BUDGET = 16 * 1024 * 1024
"""Bytes that all running uploads of a process together may hold in memory: a few get the largest blocks there are."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived, and what its sender says about it."""

    chunks: AsyncIterator[bytes]
    """The bytes of the version, in chunks of bounded size; raises `BadUpload` when they break off."""
    announced: int | None
    """Bytes that will come at the most, as far as headers tell; None: nobody knows."""
    slack: int
    """How far `announced` may exceed the limit before the body is read, because it counts more than the version."""
    digests: tuple[str, ...]
    """SHA-256 values the sender gave, lower-case hex; each must be right."""
    landed: int | None
    """Descriptor of a whole file with exactly the version's bytes, which nobody changes any more; None: a stream."""


class Incoming(Protocol):
    """A request body that has not been looked at yet."""

    def accept(self) -> contextlib.AbstractContextManager[Arrival]:
        """Look at the headers and open what they name, without reading the body.

        Raises:
            BadUpload: the proxy's file is not acceptable (42023), an integrity header cannot be read (42024), or
                nothing will come (42009).
        """


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A registered version, and its collection afterwards."""

    version: Version
    collection: Collection


class Uploads:
    """The upload job of one process."""

    def __init__(self, database: Database, storage: Storage, clock: Clock, counters: Counters) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._counters = counters
        self._budget = Budget(_BUDGET)
        self._hashing = asyncio.Semaphore(os.cpu_count() or 1)

    async def upload(self, actor: Actor, collection_id: str, incoming: Incoming) -> Uploaded:
        """Store a body as the collection's next version.

        Raises:
            NotFound: there is no such collection (any more).
            PermissionDenied: no access (40308), the once-only token is used up (40324), and what `open_again` raises.
            RuleBroken: a limit or the strategy refuses (40109, 41010, 41011, 41012).
            BadUpload: the body cannot be used (42008, 42009, 42023, 42024).
            StorageError: the storage refuses, is full or out of reach.
        """
        with self._counters.upload() as stored:
            uploaded = await self._upload(actor, collection_id, incoming)
            stored(uploaded.version.size)
            return uploaded

    async def _upload(self, actor: Actor, collection_id: str, incoming: Incoming) -> Uploaded:
        async with self._database.reading() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.UPLOAD)
        with incoming.accept() as arrival:
            limit = upload_limit(opened.collection, actor.user.max_allowed_file_size)
            if limit is not None and arrival.announced is not None and arrival.announced > limit + arrival.slack:
                raise _too_large(limit)
            already_full(opened.collection)
            with self._seen(opened.collection, arrival) as progress:
                async with self._received(arrival, limit, progress) as (draft, received):
                    _check_content(arrival, received)
                    async with self._refusals_recorded(opened.actor):
                        await self._refuse_early(opened, received)
                        await draft.finish()
                        return await self._register(opened, received)

    def _seen(
        self, collection: Collection, arrival: Arrival
    ) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """Let people see the upload while it runs."""
        landed = arrival.landed is not None
        return self._counters.rows.upload(
            collection.id, begun_at=self._clock(), announced=arrival.announced, landed=landed
        )

    @contextlib.asynccontextmanager
    async def _received(
        self, arrival: Arrival, limit: int | None, progress: Callable[[int], None]
    ) -> AsyncIterator[tuple[Draft, Received]]:
        """Bring the bytes to the storage: by taking over the landed file, or by writing them."""
        async with contextlib.AsyncExitStack() as stack:
            adopted = await self._adopt(stack, arrival.landed)
            if adopted is not None:
                yield adopted, await receive_adopted(adopted, hashing=self._hashing, progress=progress)
                return
            draft = await stack.enter_async_context(self._storage.draft())
            try:
                received = await receive(draft, arrival.chunks, limit=limit, budget=self._budget, progress=progress)
            except TooLarge as error:
                raise _too_large(limit or 0) from error
            yield draft, received

    async def _adopt(self, stack: contextlib.AsyncExitStack, landed: int | None) -> AdoptedDraft | None:
        """Take over the landed file without copying, where that is possible."""
        if landed is None:
            return None
        try:
            return await stack.enter_async_context(self._storage.adopt(landed))
        except CannotAdopt:
            return None

    async def _refuse_early(self, opened: Opened, received: Received) -> None:
        """Refuse what registration would refuse now, while the bytes can still vanish without a trace."""
        async with self._database.reading() as tx:
            present = await open_again(tx, opened, self._clock(), lock=False)
            await self._judge(tx, present, received)

    @contextlib.asynccontextmanager
    async def _refusals_recorded(self, actor: Actor) -> AsyncIterator[None]:
        """Record refusals that came up while the body arrived; those of the door are recorded there."""
        try:
            yield
        except PermissionDenied as error:
            await record_refusal(self._database, error, user_id=actor.user.id, address=actor.address, now=self._clock())
            raise

    async def _register(self, opened: Opened, received: Received) -> Uploaded:
        """Make the blob a version, in one transaction that is serialised per collection."""
        now = self._clock()
        async with self._database.transaction() as tx:
            present = await open_again(tx, opened, now)
            await self._use_up_token(tx, present.actor)
            leaving = await self._judge(tx, present, received)
            collection = present.collection
            number = collection.last_number + 1
            try:
                version = await store.add(tx, present, _version(present, received, number, now))
            except store.BlobKnown as error:
                raise StorageUnavailable("The upload was interrupted by maintenance; send it again") from error
            await store.retire(tx, present, [old.id for old in leaving], now)
            after = replace(
                collection,
                last_number=number,
                versions_count=collection.versions_count + 1 - len(leaving),
                used_space=collection.used_space + received.size - sum(old.size for old in leaving),
            )
            await _record(tx, present, version, leaving, now)
            await collections_store.save_counts(tx, collection, after)
        return Uploaded(version, after)

    async def _judge(self, tx: Transaction, opened: Opened, received: Received) -> tuple[StoredVersion, ...]:
        return judge(
            opened.collection,
            await store.oldest(tx, opened, may_leave(opened.collection)),
            size=received.size,
            duplicate=await store.number_of(tx, opened, received.sha256),
            user_max=opened.actor.user.max_allowed_file_size,
        )

    async def _use_up_token(self, tx: Transaction, actor: Actor) -> None:
        """Switch a once-only token off together with its one registration (contract 4.3)."""
        once = Permission.UPLOAD_ONCE in restrictions(actor)
        if once and not await access_store.switch_off(tx, actor.token.token_hash):
            raise PermissionDenied("This token is used up", 40324)


def _check_content(arrival: Arrival, received: Received) -> None:
    if received.size == 0:
        raise BadUpload("The upload is empty", 42009)
    if any(digest != received.sha256 for digest in arrival.digests):
        raise BadUpload("The body does not match the integrity header; it was damaged on the way", 42024)


def _version(opened: Opened, received: Received, number: int, now: datetime) -> Version:
    tagged = Permission.ENFORCE_TAGS in restrictions(opened.actor)
    return Version(
        id=str(uuid4()),
        file_id=0,
        collection_id=opened.collection.id,
        number=number,
        filename=version_filename(opened.collection.filename, number),
        blob_key=received.key,
        size=received.size,
        sha256=received.sha256,
        tags=opened.actor.user.tags if tagged else (),
        created_at=now,
    )


async def _record(
    tx: Transaction, opened: Opened, version: Version, leaving: Sequence[StoredVersion], now: datetime
) -> None:
    of = f"of {opened.collection.id}"
    detail = f"v{version.number} {of}, {version.filename}"
    await record(tx, opened.actor, Event.VERSION_UPLOADED, version.id, now, detail=detail)
    for old in leaving:
        await record(tx, opened.actor, Event.VERSION_ROTATED_OUT, old.id, now, detail=f"v{old.number} {of}")


def _too_large(limit: int) -> RuleBroken:
    return RuleBroken(f"The upload is too large, at most {format_size(limit)} are accepted", 40109)
