"""Files that appear under their name only when they are complete and verified (contract B 3.6)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bahub.errors import BadUsage, Failed
from bahub.streams import Writer


@contextmanager
def appearing(path: Path) -> Iterator[Writer]:
    """Write `FILE.partial`, mode 0600; it becomes FILE when the context ends well, and is removed otherwise.

    Where FILE is a link, what it points to is replaced.

    Raises:
        BadUsage: FILE is a directory, a device or the like, which a file must not replace.
        Failed: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise BadUsage(f"{path} is no regular file")
    partial = path.with_name(f"{path.name}.partial")
    try:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                yield _Whole(file, str(path))
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        _settle(path.parent)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def standard_output() -> Iterator[Writer]:
    """Write to stdout, past what the terminal rules print there.

    Raises:
        BadUsage: it is closed.
    """
    try:
        descriptor = os.dup(1)
    except OSError:
        raise BadUsage("stdout is closed") from None
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        yield _Whole(file, "stdout")


class _Whole:
    """A raw file that takes every byte."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name

    def write(self, data: bytes, /) -> int:
        view = memoryview(data)
        while view:
            try:
                view = view[self._file.write(view) :]
            except OSError as error:
                raise Failed(f"{self._name} cannot be written: {error.strerror}") from error
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _settle(directory: Path) -> None:
    """Make a rename outlast a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
