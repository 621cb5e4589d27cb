"""Where a command writes the bytes of a file: stdout, or a file that is there only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

Write: TypeAlias = Callable[[bytes], None]
"""Writes all bytes it is given; raises CannotWrite."""


class CannotWrite(Exception):
    """The operating system refuses; the text is for a person."""


@contextlib.contextmanager
def stdout() -> Iterator[Write]:
    """Give what writes to stdout.

    Raises:
        CannotWrite: it is closed, full, or its reader is gone.
    """
    with _explained("stdout"):
        if sys.stdout is None:
            raise CannotWrite("stdout is closed")
        descriptor = sys.stdout.fileno()
        yield lambda block: _write(descriptor, block)


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Write]:
    """Give what writes a file, mode 0600, that gets its name when the context is left normally; otherwise none is left.

    A file that had the name before is replaced then.

    Raises:
        CannotWrite: the place is missing, full or closed to us, or something that is no file has the name.
    """
    with _explained(str(target)):
        final = target.resolve()
        if final.exists() and not final.is_file():
            raise CannotWrite(f"{target} is no regular file")
        partial = final.with_name(f".{secrets.token_hex(8)}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield lambda block: _write(descriptor, block)
            os.fsync(descriptor)
            partial.rename(final)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{where} cannot be written: {error.strerror}") from error


def _write(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
