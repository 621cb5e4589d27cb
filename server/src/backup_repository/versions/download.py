"""Finds versions, and opens their bytes (contract 8.6, 8.7, 9.2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Container
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from backup_repository.access.decide import Action, require
from backup_repository.access.door import Opened, open_collection
from backup_repository.access.model import Actor
from backup_repository.database.direct import Reader
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import BlobNotFound, NotFound, StorageCorrupt
from backup_repository.ids import parse_uuid
from backup_repository.storage.base import SignedAddress, Storage
from backup_repository.versions import store
from backup_repository.versions.model import Version

_NUMBER = re.compile(r"v([1-9][0-9]{0,17})", re.ASCII)


async def find_version(tx: Transaction, opened: Opened, name: str) -> Version | None:
    """Find a version by `latest`, `recent`, `first`, `v<N>` or its id (contract 8.7)."""
    if name in {"latest", "recent"}:
        return await store.highest(tx, opened)
    if name == "first":
        return await store.lowest(tx, opened)
    number = _NUMBER.fullmatch(name)
    if number is not None:
        return await store.by_number(tx, opened, int(number[1]))
    try:
        return await store.by_id(tx, opened, parse_uuid(name))
    except ValueError:
        return None


class Pages:
    """A collection that was opened for pages of its versions."""

    def __init__(self, tx: Reader, opened: Opened) -> None:
        self._tx = tx
        self._opened = opened

    async def page(self, *, offset: int = 0, limit: int | None = None) -> store.Page:
        """Return the versions, or one page of them, ascending by number; and how many there are."""
        return await store.listed(self._tx, self._opened, offset=offset, limit=limit)


class Listing:
    """A collection that was opened for listing its versions."""

    def __init__(self, tx: Transaction, opened: Opened) -> None:
        self._tx = tx
        self._opened = opened

    @property
    def count(self) -> int:
        """How many versions there are."""
        return self._opened.collection.versions_count

    async def excerpt(self, *, newest: int, skip: int, limit: int, oldest: int) -> store.Excerpt:
        """Return the newest versions, a page that begins behind the newest so many, and the oldest; without tags."""
        return await store.excerpt(self._tx, self._opened, newest=newest, skip=skip, limit=limit, oldest=oldest)


class Downloads:
    """The jobs that give versions back."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    @asynccontextmanager
    async def pages(self, actor: Actor, collection_id: str) -> AsyncIterator[Pages]:
        """Open a collection for pages of its versions, each of them as at one moment.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not list its versions (40311).
        """
        async with self._database.glance() as tx:
            yield Pages(tx, await open_collection(tx, actor, collection_id, Action.LIST_VERSIONS))

    @asynccontextmanager
    async def listing(self, actor: Actor, collection_id: str) -> AsyncIterator[Listing]:
        """Open a collection for listing its versions, as they are at one moment.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not list its versions (40311).
        """
        async with self._database.reading() as tx:
            yield Listing(tx, await open_collection(tx, actor, collection_id, Action.LIST_VERSIONS))

    async def find(self, actor: Actor, collection_id: str, name: str) -> Version:
        """Find one version to download.

        Raises:
            NotFound: there is no such collection or version.
            PermissionDenied: the actor may not download here (40310).
        """
        async with self._database.reading() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.DOWNLOAD)
            version = await find_version(tx, opened, name)
        if version is None:
            raise NotFound
        return version

    async def find_file(self, actor: Actor, filename: str) -> Version:
        """Find any version of the server by its file name.

        Raises:
            PermissionDenied: the actor may not read every file (40302).
            BlobNotFound: there is no such file (42000).
        """
        require(actor, Action.READ_ANY_FILE)
        if "\0" in filename:
            raise BlobNotFound
        return await self.find_file_as_system(filename)

    async def find_file_as_system(self, filename: str) -> Version:
        """Find any version of the server by its file name, for the console.

        Raises:
            BlobNotFound: there is no such file (42000).
        """
        async with self._database.reading() as tx:
            version = await store.by_filename(tx, filename)
        if version is None:
            raise BlobNotFound
        return version

    async def verified(self, version: Version) -> AsyncGenerator[bytes, None]:
        """Give a version's bytes, and hold them against its size and its SHA-256 at the end.

        Raises:
            StorageError: before the first byte or later; `StorageCorrupt` when they are others than were uploaded.
        """
        digest = hashlib.sha256()
        async with self.read(version, 0, version.size) as blocks:
            async for block in blocks:
                digest.update(block)
                yield block
        if digest.hexdigest() != version.sha256:
            raise StorageCorrupt

    def read(
        self, version: Version, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a version's bytes from start up to, not including, end; what has begun runs to its end.

        Raises:
            StorageError: on entering or reading; `BlobMissing` when the blob is not there.
        """
        return self._storage.read(version.blob_key, start, end)

    async def accelerated(self, version: Version) -> str | None:
        """Return the path under which a proxy can serve the version itself; None: only `read` can.

        Raises:
            StorageError: the blob is missing or the storage is out of reach.
        """
        path = self._storage.accelerated(version.blob_key)
        if path is not None:
            await self._storage.size(version.blob_key)  # so that a missing blob is our answer, not the proxy's
        return path

    async def signed(self, version: Version, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """Return an address from which a proxy can fetch the version itself; None: only `read` gives it.

        Args:
            version: what is fetched.
            offered: the names of the storages from which the proxy can fetch.
            in_part: it is going to ask for a range.

        Raises:
            StorageError: the blob is missing or the storage is out of reach.
        """
        address = await self._storage.signed(version.blob_key, offered, in_part=in_part)
        # of a blob of another size, `read` gives what was registered or says that it is corrupt
        return address if address is not None and address.size == version.size else None
