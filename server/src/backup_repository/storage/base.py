"""The storage contract. Promises first.

A *blob* is a whole, unchanging sequence of bytes under a *key*. A storage promises:

1. A key is written at most once and never reused; a blob never changes.
2. A blob is either absent or whole: until `Draft.finish` returns nothing is visible under its key, and
   afterwards every byte survives a power cut (file and directory fsynced, or completed on the object store).
3. A draft that is left without `finish` leaves nothing behind; if the process dies, what it left is litter that the
   next start, `clear_litter` and the sweep remove, never a blob.
4. While a finished draft has not been left, `Storage.is_held` says so to every process that can know, so that
   nobody takes a blob whose row is about to be committed for an orphan.
5. Nobody but the sweep deletes a finished blob: a commit whose answer got lost may have happened.
6. A reader opened before a deletion reads to the end.
7. Failures are `StorageError`s: refused (42001), missing (42002), unavailable or full (42003), other bytes than were
   written (42004), a name or link that leads out of the storage (42013). No path in their text. When the cause is
   gone, the same storage works again.
8. Memory is bounded by the block sizes of the caller, whatever the blob's size; the event loop never blocks on a disk.
9. A cancelled task leaves a draft or a reader like any other failure: nothing goes on behind it.

It refuses: keys that are not 32 lower-case hex digits and symbolic links in place of blobs (`OutsideStorage`); bytes
after `finish`, and `finish` twice or after a failed `write` (`RuntimeError`: the caller is wrong).
The one exception to promises 1 and 5: `probe` writes, compares and deletes a small blob of its own.

What fills drafts is `storage/receive.py`, which sees every byte of every driver: it counts, hashes and judges.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Container
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Never, Protocol, runtime_checkable

from backup_repository.errors import OutsideStorage

KEY = re.compile(r"[0-9a-f]{32}")
"""The form of a key."""


def new_key() -> str:
    """Return a fresh random key; 128 random bits never repeat."""
    return secrets.token_hex(16)


def checked(key: str) -> str:
    """Return a key that has the form of one.

    Raises:
        OutsideStorage: it has another.
    """
    if not KEY.fullmatch(key):
        raise OutsideStorage
    return key


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """One blob found on a storage."""

    key: str
    size: int
    """Bytes."""
    modified_at: datetime
    """When the storage says it was written."""


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """Where anybody who is told may fetch a blob from an object store for a few minutes."""

    storage: str
    """Name of the storage, as in `FS_<NAME>_…`."""
    target: str = field(repr=False)
    """Path and query, without the first slash. Secret."""
    size: int
    """Bytes of the blob."""


@runtime_checkable
class OpenFile(Protocol):
    """What `Storage.read` gives where a blob is a local file: its bytes may be taken from there instead."""

    def fileno(self) -> int:
        """Return the reader's own descriptor, which is closed when the reader is left; it is read by position alone.

        Raises:
            RuntimeError: the reader was left.
        """


class CannotAdopt(Exception):
    """The bytes of an open file cannot be taken over without copying them."""


class Draft(Protocol):
    """A blob being written. Used inside the context that `Storage.draft` or `Storage.adopt` gives."""

    @property
    def key(self) -> str:
        """The key that the blob will have."""

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append bytes; one call at a time. The block may be reused by the caller afterwards.

        Raises:
            StorageError: the storage refuses or is full; the draft can only be left then.
            RuntimeError: the draft is finished, failed or left, or adopted its bytes.
        """

    async def finish(self) -> None:
        """Make the blob whole, durable and visible under its key.

        Raises:
            StorageError: the storage refuses or is full; then there is no blob.
            RuntimeError: the draft is finished, failed or left.
        """


class AdoptedDraft(Draft, Protocol):
    """A draft that took over a whole file without copying it; `write` is refused."""

    @property
    def path(self) -> Path:
        """A name of the bytes that nobody else changes, for reading them once; gone after `finish`."""

    async def sync(self) -> None:
        """Make the bytes durable; may run while they are hashed, and leaves less to do for `finish`.

        Raises:
            StorageError: the storage refuses or is full.
        """


class NoAdoption(AbstractAsyncContextManager[AdoptedDraft]):
    """What `Storage.adopt` gives where there are no files: entering raises `CannotAdopt`."""

    async def __aenter__(self) -> Never:
        raise CannotAdopt

    async def __aexit__(self, *_: object) -> None:
        """Never entered, never left."""


class Storage(Protocol):
    """A place where blobs live; see the promises at the top of the module."""

    def draft(self, key: str | None = None) -> AbstractAsyncContextManager[Draft]:
        """Begin a blob under a fresh key. Leaving the context without `finish` removes everything written.

        The blob counts as held (promise 4) until the context is left.

        Args:
            key: only for the copy of a blob of another storage: its key, under which nothing may be here.

        Raises:
            StorageError: on entering, when the storage refuses or is out of reach.
            OutsideStorage: likewise, when the key has another form than keys have.
        """

    def adopt(self, descriptor: int) -> AbstractAsyncContextManager[AdoptedDraft]:
        """Take over an open regular file as a draft, without copying.

        The file's other names may vanish at any time, also before this. The descriptor stays the caller's, who holds
        no lock on the file.

        Raises:
            CannotAdopt: on entering only, and always where a storage has no files: other file system, no name left,
                no regular file. The caller then copies the bytes through `draft`.
        """

    def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a blob and stream the bytes from start up to, not including, end, in blocks of bounded size.

        What it gives may be an `OpenFile`, too.

        Raises:
            BlobMissing: on entering, when there is no such blob.
            StorageCorrupt: on entering or while reading, when the blob ends before `end` or before `start`.
            StorageError: on entering or while reading, when the storage refuses or is out of reach.
            ValueError: `start` is negative or beyond `end`.
        """

    async def size(self, key: str) -> int:
        """Return the size of a blob in bytes.

        Raises:
            BlobMissing: there is no such blob.
            StorageError: the storage refuses or is out of reach.
        """

    async def delete(self, key: str) -> None:
        """Remove a blob durably; a blob that is not there is fine.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """

    async def is_held(self, key: str) -> bool:
        """Whether some process has the blob in a draft context now, as far as this storage can know.

        Ask this first and look for the blob's row afterwards: a blob that is not held any more has its row by then.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """

    def blobs(self) -> AsyncIterator[BlobInfo]:
        """List every blob that is there all the while, in the order of their keys.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """

    async def probe(self, *, write: bool) -> None:
        """Prove that the storage works: write, read back, compare and delete a small blob; or only look.

        Raises:
            StorageError: it does not; the message is the cause for people.
        """

    async def clear_litter(self, older_than: float) -> int:
        """Remove what dead processes left besides blobs and is older than so many seconds; return how many.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """

    def accelerated(self, key: str) -> str | None:
        """Return the blob's path relative to the served directory, for X-Accel-Redirect; None: not a local file.

        Raises:
            OutsideStorage: the key has another form than keys have.
        """

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """Return an address under which a proxy can fetch the blob; None: only `read` gives it.

        Args:
            key: of the blob.
            offered: the names of the storages from which the proxy can fetch.
            in_part: it is going to ask for a range, so the storage must be one that gives ranges.

        Raises:
            BlobMissing: there is no such blob.
            StorageError: the storage refuses or is out of reach.
        """
