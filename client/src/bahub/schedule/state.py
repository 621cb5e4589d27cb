"""The state directory: locks and memory, no secrets (contract B 3.1). Made when first needed, mode 0700.

A service and its administrator share one. So what root makes in somebody's directory belongs to that somebody, and no
symbolic link is followed in it: whoever owns the directory must not be able to make root write elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bahub.errors import Failed

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def state_folder(state_directory: Path, name: str) -> Iterator[int]:
    """Open a folder of the state directory, making what is missing.

    Raises:
        Failed: it cannot be made, or what is done with its descriptor failed with an `OSError`.
    """
    try:
        state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = state_directory / name
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, _FOLDER)
        try:
            _hand_over(descriptor, state_directory.stat())
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Failed(
            f"The state directory {state_directory} cannot be used: {error.strerror}",
            hint="`state_directory` in the configuration names another",
        ) from error


def open_file(folder: int, name: str, flags: int) -> int:
    """Open a file in a folder of the state directory, for its owner alone if it has to be made.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(name, flags | _FILE, 0o600, dir_fd=folder)
    try:
        _hand_over(descriptor, os.fstat(folder))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _hand_over(descriptor: int, owner: os.stat_result) -> None:
    if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
