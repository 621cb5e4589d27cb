"""One run of a definition at a time, in whatever process (contract B 3.8).

A lock is held on a file, not by its existence: the kernel gives it back when a process ends, however it ends. The file
stays, so that two processes never lock two files of one name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bahub.errors import Failed
from bahub.schedule.state import open_file, state_folder


@contextmanager
def locked(
    state_directory: Path,
    definition: str,
    *,
    wait: bool = False,
    what: str = "",
) -> Iterator[None]:
    """Hold the lock of a definition.

    Args:
        state_directory: of the configuration.
        definition: name of the definition.
        wait: whether to wait until nobody else holds it.
        what: what the message calls that which is running; empty: the definition.

    Raises:
        Failed: somebody else holds it, or it cannot be taken at all.
    """
    descriptor = _opened(state_directory, definition)
    try:
        if not _taken(descriptor, wait=wait):
            hint = "" if what else "`--wait` waits for it to end"
            subject = what or f'"{definition}"'
            raise Failed(f"{subject} is already running{_by(descriptor)}", hint=hint)
        with contextlib.suppress(OSError):  # only for the message; a file of somebody else can be locked all the same
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(state_directory: Path, definition: str) -> bool:
    """Whether some process runs a definition now.

    Raises:
        Failed: it cannot be found out.
    """
    descriptor = _opened(state_directory, definition)
    try:
        return not _taken(descriptor, wait=False)
    finally:
        os.close(descriptor)


def _opened(state_directory: Path, definition: str) -> int:
    name = f"{definition}.lock"
    with state_folder(state_directory, "locks") as folder:
        try:
            return open_file(folder, name, os.O_RDWR | os.O_CREAT)
        except PermissionError:
            return open_file(folder, name, os.O_RDONLY)


def _taken(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _by(descriptor: int) -> str:
    holder = os.pread(descriptor, 20, 0).decode(errors="replace")
    return f" (process {holder})" if holder.isdigit() else ""
