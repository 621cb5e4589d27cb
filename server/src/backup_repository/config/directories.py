"""Directories that settings name: looked at without a trace, and made where that is promised (contract B 1.1, 1.3).

Only what is below `./var` is ever made, with mode 0700. A missing directory anywhere else may be an unmounted disk and
stops the program instead of being replaced by an empty folder.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Need:
    """A directory that has to be there."""

    path: Path
    access: int = os.F_OK
    """What the process must be allowed to do in it, as `os.access` counts."""
    shown: bool = True
    """The path may stand in a message."""

    @property
    def words(self) -> str:
        """How a message calls the directory."""
        return f"the directory {json.dumps(str(self.path), ensure_ascii=False)}" if self.shown else "its directory"


def examine(need: Need, cwd: Path) -> None:
    """Look whether the directory can be used, or can be made because it is below `./var`; change nothing.

    A directory that has to exist only, but cannot be looked at (a mount that does not answer), passes: the health
    endpoint reports it and it may come back.

    Raises:
        ValueError: it is missing outside `./var`, is no directory, or forbids what is needed.
    """
    try:
        mode = need.path.stat().st_mode
    except FileNotFoundError:
        _examine_missing(need, cwd)
        return
    except NotADirectoryError:
        raise ValueError(f"{need.words} is not a directory") from None
    except OSError as error:
        if need.access == os.F_OK:
            return
        raise ValueError(f"{need.words} cannot be used: {error.strerror}") from None
    if not stat.S_ISDIR(mode):
        raise ValueError(f"{need.words} is not a directory")
    if not os.access(need.path, need.access, effective_ids=True):
        raise ValueError(f"{need.words} is not {'writable' if need.access & os.W_OK else 'readable'}")


def make(need: Need, cwd: Path) -> None:
    """Look at the directory as `examine` does and make it, with mode 0700, when it is missing.

    Raises:
        ValueError: what `examine` refuses, or the directory cannot be made.
    """
    examine(need, cwd)
    try:
        missing = [path for path in (need.path, *need.path.parents) if _below_var(path, cwd) and not path.exists()]
        for path in reversed(missing):
            path.mkdir(_MODE, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{need.words} cannot be made: {error.strerror}") from None


def _examine_missing(need: Need, cwd: Path) -> None:
    if not _below_var(need.path, cwd):
        raise ValueError(f"{need.words} does not exist")
    existing = next(path for path in need.path.parents if os.path.lexists(path))
    if (
        need.path.is_symlink()
        or not existing.is_dir()
        or not os.access(existing, os.W_OK | os.X_OK, effective_ids=True)
    ):
        raise ValueError(f"{need.words} does not exist and cannot be made")


def _below_var(path: Path, cwd: Path) -> bool:
    var = os.path.normpath(cwd / "var")
    return Path(os.path.normpath(path)).is_relative_to(var)
