"""The results as they come: printed at once, and kept in a file where one is wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Report:
    """Where the results go; paragraphs in Markdown."""

    file: TextIO | None

    @classmethod
    @contextmanager
    def begin(cls, path: Path | None) -> Iterator[Report]:
        """Write to stdout, and to a new file where a path is given.

        Raises:
            OSError: the file cannot be written.
        """
        with ExitStack() as stack:
            yield cls(None if path is None else stack.enter_context(path.open("w")))

    def say(self, text: str) -> None:
        """Add a paragraph, a table or a section."""
        for place in (sys.stdout, self.file):
            if place is not None:
                print(f"{text}\n", file=place, flush=True)
