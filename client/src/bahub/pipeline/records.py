"""What a restore has changed for a while, kept until it is put back (contract B 3.7)."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from bahub.errors import Failed
from bahub.pipeline.files import appearing


@dataclass(frozen=True, slots=True)
class Record:
    """One file of the state directory, for one definition; holds no secrets."""

    path: Path

    def keep(self, words: bytes) -> None:
        """Write it down before anything is changed.

        Raises:
            Failed: it cannot be written; then nothing may be changed.
        """
        try:
            os.makedirs(self.path.parent, mode=0o700, exist_ok=True)  # noqa: PTH103 - sets the mode of parents too
        except OSError as error:
            raise Failed(f"the state directory {self.path.parent} cannot be made: {error.strerror}") from error
        with appearing(self.path) as file:
            file.write(words)

    def left(self) -> bytes | None:
        """Return what an interrupted restore has left to put back; None: nothing.

        Raises:
            Failed: it cannot be read.
        """
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failed(f"{self.path} cannot be read: {error.strerror}") from error

    def forget(self) -> None:
        """Throw it away: everything is put back."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def record_of(state_directory: Path, definition: str) -> Record:
    """Say where the record of a definition is."""
    return Record(state_directory / "restores" / definition)
