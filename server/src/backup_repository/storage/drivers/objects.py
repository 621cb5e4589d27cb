"""Blobs as objects of a bucket or container, through obstore: S3 and whatever speaks it, Google Cloud, Azure.

A blob is one object under its key, written once and never rewritten, so that object locks and versioned buckets do no
harm. What fits into one part goes out in one conditional request; anything larger in parts of equal size, several in
flight, which the store joins at the end: until then nothing is visible. A draft that is left without `finish` aborts
its parts; those of a process that died are litter, which `storage/multiparts.py` or the bucket's own rule removes.

An answer that got lost is no failure: keys are random, so an object of the right size under ours is our blob.

Who holds a blob is known within this process only: other instances are kept from the blobs of running uploads by the
sweep's minimum age.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, NotSupportedError
from obstore.store import ObjectStore

from backup_repository.errors import BlobMissing, StorageCorrupt, StorageUnavailable
from backup_repository.storage.base import (
    KEY,
    AdoptedDraft,
    BlobInfo,
    Draft,
    NoAdoption,
    SignedAddress,
    checked,
    new_key,
)
from backup_repository.storage.object_errors import object_errors, status_of
from backup_repository.storage.threads import outlast

if TYPE_CHECKING:  # names that exist for type checkers only
    from obstore import GetResult

_MIB = 1024 * 1024
PART = 5 * _MIB
"""Bytes of the smallest part that stores take."""
UNLIMITED_PART = 64 * _MIB
"""Bytes of a part where no maximum is set: enough for versions of 671 GB, and no more memory than can be spared."""
_PARTS = 10_000
"""The most parts that stores take."""
_IN_FLIGHT = 4
"""Parts of one upload that are on their way at once, at the most."""
_FLYING = 80 * _MIB
"""Bytes that uploads together should have on their way; each has one part there whatever they add up to."""
_UNKNOWN_CONDITION = frozenset({400, 501})
"""What stores answer to "only if it is new" when they do not know it; without it they take the object."""
_NO_RANGES = "non-partial response"
"""What obstore says of a store that answers a range with something else."""
_BLOCK = 256 * 1024
"""Bytes that a reader gives at least, but for the last block."""
_LARGEST_BLOCK = 1024 * 1024
_PAGE = 1000
"""Objects that stores list at once."""


def part_size(largest: int) -> int:
    """Return the bytes of a part, so that the largest version (bytes; 0: no maximum) fits into as many as stores take.

    Parts of one object are equal, but for the last one: some stores demand it.
    """
    if not largest:
        return UNLIMITED_PART
    return max(PART, -(-largest // (_PARTS * _MIB)) * _MIB)


async def no_litter(_older_than: float) -> int:
    """Find nothing to clear: where unfinished uploads vanish by themselves, or cannot be listed."""
    return 0


class ObjectStorage:
    """The storage in a bucket."""

    def __init__(
        self,
        store: ObjectStore,
        part: int = PART,
        clear_parts: Callable[[float], Awaitable[int]] = no_litter,
        *,
        name: str = "",
        address: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> None:
        """Take what leads to the bucket.

        Args:
            store: knows bucket, prefix and credentials.
            part: bytes of a part; see `part_size`.
            clear_parts: aborts uploads that were begun so many seconds ago, and returns how many.
            name: of the storage, as proxies know it.
            address: gives a URL that fetches an object for a few minutes, if it can; None: it never can.
        """
        self._store = store
        self._part = part
        self._clear_parts = clear_parts
        self._name = name
        self._address = address
        self._conditional = True
        self._held: set[str] = set()

    @contextlib.asynccontextmanager
    async def draft(self, key: str | None = None) -> AsyncIterator[Draft]:
        """See `Storage.draft`."""
        key = new_key() if key is None else checked(key)
        draft = _ObjectDraft(self._store, key, self._part, in_flight=self._in_flight, put_whole=self._put_whole)
        self._held.add(draft.key)
        try:
            yield draft
        finally:
            try:
                await draft.leave()
            finally:
                self._held.discard(draft.key)

    def adopt(self, descriptor: int) -> contextlib.AbstractAsyncContextManager[AdoptedDraft]:  # noqa: ARG002 - the contract's shape
        """See `Storage.adopt`; there are no files here."""
        return NoAdoption()

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`."""
        if start < 0 or (end is not None and end < start):
            raise ValueError("the range ends before it starts")
        checked(key)
        if end == start:
            if await self.size(key) < start:
                raise StorageCorrupt
            yield _nothing()
            return
        result = await self._opened(key, start, end)
        if result is None:
            yield _nothing()
            return
        until = result.meta["size"] if end is None else end
        if max(start, until) > result.range[1]:
            raise StorageCorrupt
        yield _blocks(result, start - result.range[0], until - start)

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        checked(key)
        with object_errors():
            return (await obstore.head_async(self._store, key))["size"]

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        checked(key)
        with contextlib.suppress(BlobMissing), object_errors():
            await obstore.delete_async(self._store, key)

    async def _opened(self, key: str, start: int, end: int | None) -> GetResult | None:
        """Begin to fetch a range, or the whole where the store does not give ranges; None: nothing is left to give."""
        if start:
            wanted: Any = {"range": {"offset": start} if end is None else (start, end)}
            with object_errors():
                try:
                    return await obstore.get_async(self._store, key, options=wanted)
                except GenericError as error:
                    if _NO_RANGES not in str(error):
                        # a range that begins behind the last byte is refused, which no error of its own says
                        size = await self.size(key)
                        if size < (start if end is None else end):
                            raise StorageCorrupt from error
                        if size == start:
                            return None
                        raise
        with object_errors():
            return await obstore.get_async(self._store, key)

    def _in_flight(self) -> int:
        """Say how many parts of a further upload may be on their way at once."""
        return max(1, min(_IN_FLIGHT, _FLYING // (self._part * max(1, len(self._held)))))

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`: by this process."""
        checked(key)
        return key in self._held

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`; objects of other names are not ours. Stores list in the order of the names."""
        listing = obstore.list(self._store, chunk_size=_PAGE)
        while True:
            with object_errors():
                try:
                    page = await anext(listing)
                except StopAsyncIteration:
                    return
            for found in page:
                if KEY.fullmatch(found["path"]):
                    yield BlobInfo(found["path"], found["size"], found["last_modified"])

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`."""
        if not write:
            with object_errors(placed=False):
                await anext(obstore.list(self._store, chunk_size=1), None)
            return
        content, key = secrets.token_bytes(64), new_key()
        self._held.add(key)
        try:
            with object_errors(placed=False):
                await obstore.put_async(self._store, key, content)
                try:
                    if bytes(await (await obstore.get_async(self._store, key)).bytes_async()) != content:
                        raise StorageCorrupt
                finally:
                    await obstore.delete_async(self._store, key)
        finally:
            self._held.discard(key)

    async def clear_litter(self, older_than: float) -> int:
        """See `Storage.clear_litter`: the parts of uploads that no process goes on with."""
        return await self._clear_parts(older_than)

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`."""
        checked(key)
        return None

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """See `Storage.signed`."""
        size = await (self._divisible_size(key) if in_part else self.size(key))
        address = await self._address(key) if self._address is not None and self._name in offered else None
        if size is None or address is None:
            return None
        parts = urlsplit(address)
        return SignedAddress(self._name, f"{parts.path.removeprefix('/')}?{parts.query}", size)

    async def _divisible_size(self, key: str) -> int | None:
        """Return the size of a blob, asking for its first byte; None: the store does not give ranges as HTTP says."""
        checked(key)
        with object_errors():
            try:
                first = await obstore.get_async(self._store, key, options={"range": (0, 1)})
                await first.bytes_async()
            except GenericError as error:
                if _NO_RANGES not in str(error):
                    raise
                return None
        return first.meta["size"]

    async def _put_whole(self, key: str, content: bytearray) -> None:
        """Store an object in one request, refused when the key is taken, where the store can tell."""
        if self._conditional:
            try:
                await obstore.put_async(self._store, key, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                # keys are random: it is ours, from an attempt whose answer got lost
                if (await obstore.head_async(self._store, key))["size"] != len(content):
                    raise
                return
            except (NotSupportedError, GenericError) as error:
                if isinstance(error, GenericError) and status_of(error) not in _UNKNOWN_CONDITION:
                    raise
                self._conditional = False
            else:
                return
        await obstore.put_async(self._store, key, content, use_multipart=False)


class _Abandoned(Exception):
    """Tells obstore to abort the parts."""


class _ObjectDraft:
    """Collects a part at a time; the first full one begins the joined upload, which asks for parts as it has room."""

    def __init__(
        self,
        store: ObjectStore,
        key: str,
        part_size: int,
        *,
        in_flight: Callable[[], int],
        put_whole: Callable[[str, bytearray], Coroutine[Any, Any, None]],
    ) -> None:
        self.key = key
        self._store = store
        self._part_size = part_size
        self._in_flight = in_flight
        self._put_whole = put_whole
        self._part = bytearray()
        self._parts_left = _PARTS
        self._size = 0
        self._handed: asyncio.Queue[bytearray | _Abandoned | None] = asyncio.Queue()
        self._wanted = asyncio.Event()
        self._putting: asyncio.Future[Any] | None = None
        self._usable = True

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        with self._use():
            rest = memoryview(block)
            self._size += len(rest)
            while rest:
                room = self._part_size - len(self._part)
                self._part += rest[:room]
                rest = rest[room:]
                if len(self._part) == self._part_size:
                    await self._hand_over(self._taken())
        self._usable = True

    async def finish(self) -> None:
        with self._use():
            if self._putting is None:
                await outlast(asyncio.ensure_future(self._put_whole(self.key, self._taken())))
                return
            if self._part:
                await self._hand_over(self._taken())
            await self._hand_over(None)
            try:
                await outlast(self._putting)
            except FileNotFoundError:  # joined already, at an attempt whose answer got lost
                if not await self._is_whole():
                    raise

    async def _is_whole(self) -> bool:
        return (await obstore.head_async(self._store, self.key))["size"] == self._size

    async def leave(self) -> None:
        """End what is on its way; what was finished stays."""
        self._usable = False
        self._part = bytearray()
        if self._putting is not None and not self._putting.done():
            self._handed.put_nowait(_Abandoned())
            with contextlib.suppress(_Abandoned, BaseError, OSError):
                await outlast(self._putting)

    @contextlib.contextmanager
    def _use(self) -> Iterator[None]:
        """Let one call in; the draft stays closed unless the call opens it again."""
        if not self._usable:
            raise RuntimeError("the draft is finished, failed or left")
        self._usable = False
        with object_errors(placed=False):
            yield

    def _taken(self) -> bytearray:
        part, self._part = self._part, bytearray()
        return part

    async def _hand_over(self, part: bytearray | None) -> None:
        if self._putting is None:
            self._putting = asyncio.ensure_future(
                obstore.put_async(
                    self._store,
                    self.key,
                    self._parts(),
                    use_multipart=True,
                    chunk_size=self._part_size,
                    max_concurrency=self._in_flight(),
                )
            )
            self._putting.add_done_callback(lambda _: self._wanted.set())
        await self._wanted.wait()
        self._wanted.clear()
        if self._putting.done():
            self._putting.result()  # raises: nothing ends it before the last part but an error
        if part is not None:
            if not self._parts_left:
                raise StorageUnavailable("The object store takes no version of that size")
            self._parts_left -= 1
        self._handed.put_nowait(part)

    async def _parts(self) -> AsyncIterator[bytearray]:
        while True:
            self._wanted.set()
            part = await self._handed.get()
            if part is None:
                return
            if isinstance(part, _Abandoned):
                raise part
            yield part


async def _nothing() -> AsyncIterator[bytes]:
    for block in tuple[bytes, ...]():
        yield block


async def _blocks(result: GetResult, skip: int, size: int) -> AsyncIterator[bytes]:
    """Give so many bytes after leaving out the first ones."""
    stream = result.stream(min_chunk_size=_BLOCK)
    while size > 0:
        with object_errors():
            chunk = memoryview(await anext(stream, b""))
        if not chunk:
            raise StorageCorrupt
        chunk, skip = chunk[skip : skip + size], max(0, skip - len(chunk))
        size -= len(chunk)
        for position in range(0, len(chunk), _LARGEST_BLOCK):
            yield bytes(chunk[position : position + _LARGEST_BLOCK])
