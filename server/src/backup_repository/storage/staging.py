"""Where blobs of a local storage are written before they are whole: a directory of this process, and files in it.

`TEMP_DIRECTORY` holds one subdirectory per running server process, with a lock that the process holds for its life. So
a start removes what killed processes left and nothing else, even where two instances share the directory by mistake.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from backup_repository.errors import ConfigurationError
from backup_repository.storage.base import CannotAdopt, checked, new_key
from backup_repository.storage.shards import PARTIAL, Shards, is_locked, shard_of, storage_errors

_PREFIX = "backup-repository-"
_OURS = re.compile(_PREFIX + "[0-9a-f]{16}")
"""How directories of processes are named; others may keep theirs beside them."""
_COPIED = 8 * 1024 * 1024
"""Bytes that the kernel copies per call."""
_WRITTEN_BACK = 32 * 1024 * 1024
"""Bytes after which the disk begins with them, so that flushing all at the end takes no time of its own."""


@contextlib.contextmanager
def own_staging(temp_directory: Path) -> Iterator[Path]:
    """Give this process a staging directory, and remove those of processes that are gone; at the end remove it too.

    Raises:
        ConfigurationError: the directory cannot be made or written.
    """
    with contextlib.ExitStack() as life:
        try:
            temp_directory.mkdir(parents=True, exist_ok=True)
            staging = temp_directory / f"{_PREFIX}{secrets.token_hex(8)}"
            with _locked(temp_directory):
                for other in temp_directory.iterdir():
                    if _OURS.fullmatch(other.name):
                        _remove_dead(other)
                staging.mkdir(mode=0o700)
                life.enter_context(_locked(staging))
        except OSError as error:
            raise ConfigurationError("TEMP_DIRECTORY", f"it cannot be used: {error.strerror}") from error
        life.callback(shutil.rmtree, staging, ignore_errors=True)
        yield staging


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_dead(staging: Path) -> None:
    """Remove a staging directory unless its process lives; the caller keeps others from making one meanwhile."""
    try:
        descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # just removed by its own process, or nothing of ours
        return
    try:
        if not is_locked(descriptor):
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        os.close(descriptor)


class _Stage(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    UNUSABLE = "failed or left"


class StagedFile:
    """A blob of a local storage being written, in blocking calls.

    Its lock tells other processes that it is held, from its first moment until `leave`. Call `leave` whatever happens,
    also when `create` or `adopt` failed; all clean-up is there.
    """

    def __init__(self, staging: Path, shards: Shards, key: str | None = None) -> None:
        self.key = new_key() if key is None else checked(key)
        self._may_be_there = key is not None
        self.path = staging / self.key
        self._shards = shards
        self._descriptors: list[int] = []
        self._stage = _Stage.UNUSABLE
        self._adopted = False
        self._unwritten = 0

    def create(self) -> None:
        """Begin an empty file.

        Raises:
            StorageError: the storage refuses or is full.
        """
        with storage_errors():
            self._make_staging()
            self._create(self.path)
        self._stage = _Stage.OPEN

    def adopt(self, descriptor: int) -> None:
        """Take over an open file by a link of our own.

        Raises:
            CannotAdopt: that is impossible; nothing has changed.
        """
        opened = f"/proc/self/fd/{descriptor}"  # the very file that was opened, whatever became of its name
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CannotAdopt
            self._make_staging()
            self._hold(os.open(opened, os.O_RDONLY | os.O_CLOEXEC))
            staging = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                # Only with a directory's descriptor does Python call linkat, which follows /proc's link.
                os.link(opened, self.key, dst_dir_fd=staging, follow_symlinks=True)
            finally:
                os.close(staging)
        except OSError as error:
            raise CannotAdopt from error
        self._adopted = True
        self._stage = _Stage.OPEN

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append a block.

        Raises:
            StorageError: the storage refuses or is full.
            RuntimeError: the file does not take bytes (any more).
        """
        self._begin_step()
        if self._adopted:
            raise RuntimeError("an adopted file is whole already")
        with storage_errors():
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._descriptors[-1], rest) :]
            self._unwritten += len(block)
            if self._unwritten >= _WRITTEN_BACK:
                self._begin_writeback()
        self._stage = _Stage.OPEN

    def sync(self) -> None:
        """Make the bytes durable where they are.

        Raises:
            StorageError: the storage refuses or is full.
        """
        with storage_errors():
            os.fsync(self._descriptors[-1])

    def finish(self) -> None:
        """Make the blob durable and visible in its shard, or leave no trace of it there.

        Raises:
            StorageError: the storage refuses or is full.
            RuntimeError: the file is finished, failed or left.
        """
        self._begin_step()
        self.sync()
        self._publish(durably=True)

    def show(self) -> None:
        """Make the blob visible without waiting for the disk, for one that is withdrawn at once; raises as `finish`."""
        self._begin_step()
        self._publish(durably=False)

    def _publish(self, *, durably: bool) -> None:
        """Move the file into its shard, or leave no trace of it there; but what has its key already stays."""
        names = [self.key + PARTIAL] if self._may_be_there else [self.key, self.key + PARTIAL]
        with self._shards.make(shard_of(self.key), durably=durably) as shard, storage_errors():
            try:
                self._move(shard)
                if durably:
                    os.fsync(shard)
            except BaseException:
                for name in names:
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=shard)
                raise
        self._stage = _Stage.FINISHED

    def leave(self) -> None:
        """Let go of the file and remove what is not a blob."""
        self._stage = _Stage.UNUSABLE
        with contextlib.suppress(OSError):  # finished, never begun, or out of reach: then the next start removes it
            self.path.unlink()
        while self._descriptors:
            with contextlib.suppress(OSError):  # what counts was told by fsync
                os.close(self._descriptors.pop())

    def _begin_step(self) -> None:
        """Begin a step after which the file is open again only if the step succeeds."""
        if self._stage is not _Stage.OPEN:
            raise RuntimeError(f"the draft is {self._stage}")
        self._stage = _Stage.UNUSABLE

    def _begin_writeback(self) -> None:
        # Linux takes this advice by writing what is dirty; that stays cached, for it is not clean yet.
        descriptor, size = self._descriptors[-1], self._unwritten
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.posix_fadvise(descriptor, position - size, size, os.POSIX_FADV_DONTNEED)
        self._unwritten = 0

    def _make_staging(self) -> None:
        """Make the staging directory where somebody tidied it away."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _create(self, path: Path | str, directory: int | None = None) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._hold(os.open(path, flags, 0o600, dir_fd=directory))

    def _hold(self, descriptor: int) -> None:
        self._descriptors.append(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _move(self, shard: int) -> None:
        try:
            os.rename(self.path, self.key, dst_dir_fd=shard)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy(shard)

    def _copy(self, shard: int) -> None:
        """Bring the bytes to the storage's own file system under a name that `clear_litter` knows, and rename there."""
        source = self._descriptors[-1]
        self._create(self.key + PARTIAL, shard)
        target = self._descriptors[-1]
        position = 0
        while copied := os.sendfile(target, source, position, _COPIED):
            position += copied
        os.fsync(target)
        os.rename(self.key + PARTIAL, self.key, src_dir_fd=shard, dst_dir_fd=shard)
