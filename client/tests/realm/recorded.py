"""Programs on PATH that write down their arguments before they become what they stand for, and who else runs."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from world.programs import require_program


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was started."""

    file: Path

    @property
    def shell(self) -> str:
        """A shell for transports whose arguments are written down too."""
        return str(self.file.parent / "sh")

    def arguments(self) -> list[list[str]]:
        """Return the arguments of each program, its name first."""
        calls = self.file.read_text().split("\n\0\n")[:-1]
        return [call.split("\0") for call in calls]

    def started(self) -> set[str]:
        """Return the names of the programs."""
        return {Path(call[0]).name for call in self.arguments()}


def record(directory: Path, programs: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Put stand-ins for these programs, and for the shell, first on PATH."""
    directory.mkdir()
    recorded = Recorded(directory / "calls")
    recorded.file.touch()
    for name in (*programs, "sh"):
        program = directory / name
        program.write_text(
            "#!/bin/sh\n"
            f"""{{ printf '%s' "$0"; [ $# -eq 0 ] || printf '\\0%s' "$@"; printf '\\n\\0\\n'; }} >>{shlex.quote(str(recorded.file))}\n"""
            f'exec {shlex.quote(require_program(name))} "$@"\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return recorded


@contextmanager
def watched() -> Iterator[list[str]]:
    """Look at the arguments of all processes again and again; the list holds what was seen, once at least."""
    seen: set[str] = set()
    result: list[str] = []
    over = threading.Event()

    def look() -> None:
        while True:
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or []))
            if over.is_set():
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield result
    finally:
        over.set()
        thread.join()
        result += seen
