"""What the scheduler knows of each definition beyond its own life (contract B 3.8): one small JSON file each.

Files are replaced as a whole, so that a power cut leaves the former or the new one. One that cannot be read counts as
absent: the definition is new again and waits for its next time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bahub.schedule.state import open_file, state_folder

_FOLDER = "schedule"
"""Of the state directory."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of one definition."""

    line: str
    """The cron line it was planned by; with another one the definition is new."""
    zone: str | None
    """The time zone, likewise."""
    mark: datetime
    """Times up to this one are done with: when it was first seen, or its last planned run began. Aware."""
    started: datetime | None = None
    """When its last planned run began; None: it never did. Aware."""
    ended: datetime | None = None
    """When that run ended; None: it still goes, or was cut off. Aware."""
    code: int | None = None
    """Exit code of that run."""


class Memories:
    """The memory of every definition, in a folder of the state directory."""

    def __init__(self, state_directory: Path) -> None:
        self._state_directory = state_directory

    def read(self, names: Iterable[str]) -> Mapping[str, Memory]:
        """Return what is known of these definitions; unknown ones are left out."""
        known = {name: _read(self._state_directory / _FOLDER / f"{name}.json") for name in names}
        return {name: memory for name, memory in known.items() if memory is not None}

    def write(self, name: str, memory: Memory) -> None:
        """Keep what is known of a definition, durably.

        Raises:
            Failed: it cannot be written.
        """
        beside = f"{name}.new"
        with state_folder(self._state_directory, _FOLDER) as folder:
            with os.fdopen(open_file(folder, beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
                json.dump(_as_json(memory), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, f"{name}.json", src_dir_fd=folder, dst_dir_fd=folder)


def _as_json(memory: Memory) -> Mapping[str, Any]:
    return {
        "line": memory.line,
        "zone": memory.zone,
        "mark": memory.mark.isoformat(),
        "started": memory.started and memory.started.isoformat(),
        "ended": memory.ended and memory.ended.isoformat(),
        "code": memory.code,
    }


def _read(path: Path) -> Memory | None:
    try:
        said = json.loads(path.read_text())
        return Memory(
            line=said["line"],
            zone=said["zone"],
            mark=_time(said["mark"]),
            started=said["started"] and _time(said["started"]),
            ended=said["ended"] and _time(said["ended"]),
            code=said["code"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("not aware")
    return moment
