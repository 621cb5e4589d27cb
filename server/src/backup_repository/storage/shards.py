"""The directory of a local storage, in blocking calls: a blob lies at `<first two digits of its key>/<key>`.

Every call starts from the directory's path and goes on by descriptors that follow no symbolic link. None of them stays
open, so a directory that was away, replaced or closed to us works again as soon as it is back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from backup_repository.errors import BlobMissing, OutsideStorage, StorageError, StorageRefused, StorageUnavailable
from backup_repository.storage.base import KEY, BlobInfo

PARTIAL = ".partial"
"""Ends the name of a file that is being copied into a shard."""

_NAMES = tuple(f"{number:02x}" for number in range(256))
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_FOLLOWED = frozenset({errno.ELOOP, errno.ENOTDIR})
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Without O_NONBLOCK, opening a named pipe in place of a blob would hang."""


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Translate what the operating system says into the words of the domain, without paths.

    Raises:
        StorageError: in place of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise _translated(error) from error


def _translated(error: OSError) -> StorageError:
    if error.errno in _FULL:
        return StorageUnavailable("The storage is full")
    if error.errno in _REFUSED:
        return StorageRefused()
    if error.errno in _NOT_FOLLOWED:
        return OutsideStorage()
    return StorageUnavailable()


def size_of(descriptor: int) -> int:
    """Return the size of an open file in bytes.

    Raises:
        StorageError: the storage is out of reach.
    """
    with storage_errors():
        return os.fstat(descriptor).st_size


def is_locked(descriptor: int) -> bool:
    """Whether somebody else holds the lock of an open file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Shards:
    """The 256 shards of one storage directory; they are made when needed, the directory itself never is."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._durable: set[str] = set()
        """Shards whose entry in the directory is known to be on the disk."""

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[int]:
        """Give a descriptor of a shard.

        Raises:
            BlobMissing: there is no such shard.
            StorageError: the storage refuses or is out of reach.
        """
        with self._root() as root, _directory(name, root) as shard:
            yield shard

    @contextlib.contextmanager
    def make(self, name: str, *, durably: bool = True) -> Iterator[int]:
        """Give a descriptor of a shard, which is made, and made durable if that is wanted, where it was not.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """
        with self._root() as root:
            with storage_errors():
                try:
                    os.mkdir(name, 0o700, dir_fd=root)
                    self._durable.discard(name)
                except FileExistsError:
                    pass
                # Another process may have made it and not have come to this yet.
                if durably and name not in self._durable:
                    os.fsync(root)
                    self._durable.add(name)
            with _directory(name, root) as shard:
                yield shard

    def open_blob(self, key: str) -> int:
        """Open a blob for reading; the caller closes the descriptor.

        Raises:
            OutsideStorage: the key is none, or no regular file is in the blob's place.
            BlobMissing: there is no such blob.
            StorageError: the storage refuses or is out of reach.
        """
        with self.open(shard_of(key)) as shard, storage_errors():
            try:
                descriptor = os.open(key, _FILE, dir_fd=shard)
            except FileNotFoundError as error:
                raise BlobMissing from error
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OutsideStorage
            return descriptor

    def size(self, key: str) -> int:
        """Return the size of a blob; raises what `open_blob` raises."""
        descriptor = self.open_blob(key)
        try:
            return size_of(descriptor)
        finally:
            os.close(descriptor)

    def is_held(self, key: str) -> bool:
        """Whether a process holds the lock of a blob.

        Raises:
            StorageError: what `open_blob` raises; but a missing blob is not held.
        """
        try:
            descriptor = self.open_blob(key)
        except BlobMissing:
            return False
        try:
            with storage_errors():
                return is_locked(descriptor)
        finally:
            os.close(descriptor)

    def delete(self, key: str) -> None:
        """Remove a blob durably, if it is there.

        Raises:
            OutsideStorage: the key is none.
            StorageError: the storage refuses or is out of reach.
        """
        with contextlib.suppress(BlobMissing), self.open(shard_of(key)) as shard, storage_errors():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(key, dir_fd=shard)
            os.fsync(shard)

    def withdraw(self, key: str) -> None:
        """Remove a blob that was shown for a moment, without waiting for the disk; raises as `delete`."""
        with self.open(shard_of(key)) as shard, storage_errors():
            os.unlink(key, dir_fd=shard)

    def names(self) -> tuple[str, ...]:
        """Return the names of the shards that exist; this also proves that the directory can be listed.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """
        with self._root() as root, storage_errors():
            found = frozenset(os.listdir(root))  # noqa: PTH208 - a descriptor, not a path
        return tuple(name for name in _NAMES if name in found)

    def blobs(self, name: str) -> list[BlobInfo]:
        """List the blobs of one shard by their keys; whatever else lies there is passed over.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """
        with contextlib.suppress(BlobMissing), self.open(name) as shard, storage_errors():
            return [
                BlobInfo(file, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
                for file, status in _files(shard)
                if KEY.fullmatch(file) and file.startswith(name)
            ]
        return []

    def clear_partial(self, name: str, before: float) -> int:
        """Remove copies of a shard that dead processes left unfinished, last written before a moment; return how many.

        Raises:
            StorageError: the storage refuses or is out of reach.
        """
        with contextlib.suppress(BlobMissing), self.open(name) as shard, storage_errors():
            return sum(
                _unlink_unlocked(file, shard)
                for file, status in _files(shard)
                if file.endswith(PARTIAL) and status.st_mtime <= before
            )
        return 0

    @contextlib.contextmanager
    def _root(self) -> Iterator[int]:
        try:
            root = os.open(self._directory, _DIRECTORY)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StorageUnavailable("The storage directory is missing") from error
        except OSError as error:
            raise _translated(error) from error
        try:
            yield root
        finally:
            os.close(root)


@contextlib.contextmanager
def _directory(name: str, parent: int) -> Iterator[int]:
    with storage_errors():
        try:
            descriptor = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        except FileNotFoundError as error:
            raise BlobMissing from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _files(shard: int) -> Iterator[tuple[str, os.stat_result]]:
    """Give name and status of the regular files of a shard, by their names."""
    for name in sorted(os.listdir(shard)):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=shard, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                yield name, status


def _unlink_unlocked(name: str, shard: int) -> bool:
    try:
        descriptor = os.open(name, _FILE, dir_fd=shard)
    except FileNotFoundError:
        return False
    try:
        if is_locked(descriptor):
            return False
        os.unlink(name, dir_fd=shard)
    except FileNotFoundError:
        return False
    finally:
        os.close(descriptor)
    return True


def shard_of(key: str) -> str:
    """Return the name of the shard of a key.

    Raises:
        OutsideStorage: the key has another form than keys have.
    """
    if not KEY.fullmatch(key):
        raise OutsideStorage
    return key[:2]
