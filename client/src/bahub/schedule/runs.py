"""The planned runs that are going on: each begun once, each remembered, all of them stopped within a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bahub.config.load import STDIN
from bahub.config.model import Backup, Config
from bahub.errors import BahubError
from bahub.schedule.child import Child
from bahub.schedule.locks import is_locked
from bahub.schedule.memory import Memories, Memory
from bahub.schedule.printed import Printed
from bahub.schedule.systemd import ERROR, INFO, WARNING

GRACE = 60.0
"""Seconds that running backups get to stop."""
_CANNOT_START = 1
"""Exit code of a run that could not be started."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and the text it was made from."""

    config: Config
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the scheduler is given by whoever starts it."""

    load: Callable[[], Loaded]
    """Reads the configuration file; raises `Misconfigured`."""
    command: Callable[[str], Sequence[str]]
    """Returns the command that makes a backup of a definition, its configuration read from stdin."""
    clock: Callable[[], datetime]
    """Returns the present, aware."""
    log: Callable[[int, str], None]
    """Takes a line and its priority."""
    said: Callable[[str, str, Mapping[str, Any]], None]
    """Takes the name of a definition and a line that its run printed; of stdout also the object in it."""
    failed: Callable[[Backup, str, Config], None]
    """Tells whoever wants to know of a failed run that could not tell itself, with the reason; may block."""
    exception: Callable[[Exception, Config], None]
    """Tells whoever wants to know of an unexpected exception; may block."""
    environment: dict[str, str]
    """Of this process."""
    parallel: int = 1
    """How many definitions may run at once."""
    grace: float = GRACE
    """Seconds that running ones get to stop."""


def in_background(tell: Callable[..., None], *facts: object) -> None:
    """Tell somebody without waiting: a notifier that does not answer must neither stop the scheduler nor its end."""
    threading.Thread(target=tell, args=facts, name="telling", daemon=True).start()


@dataclass(slots=True)
class Runs:
    """Planned runs, and what is remembered of them."""

    around: Surroundings
    ended: Callable[[], None]
    """Called when a run has ended."""
    memory: dict[str, Memory] = field(default_factory=dict)
    """By definition. Kept here and on the disk; when the disk fails, the scheduler still knows."""
    stopping: bool = False
    _going: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _children: dict[str, Child] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    def recall(self, state_directory: Path, names: Sequence[str]) -> None:
        """Look up what is remembered of definitions that were not known yet."""
        self.memory.update(Memories(state_directory).read([name for name in names if name not in self.memory]))

    def remember(self, state_directory: Path, name: str, memory: Memory) -> None:
        """Remember something of a definition."""
        self.memory[name] = memory
        try:
            Memories(state_directory).write(name, memory)
        except BahubError as error:
            self.around.log(WARNING, f"{name}: {error}")

    @property
    def free(self) -> bool:
        """Whether one more may begin."""
        return not self.stopping and len(self._going) < self.around.parallel

    def goes(self, name: str) -> bool:
        """Whether a planned run of a definition is going on."""
        return name in self._going

    def is_busy(self, state_directory: Path, name: str) -> bool:
        """Whether somebody runs the definition by hand; said once each time."""
        if not is_locked(state_directory, name):
            self._busy.discard(name)
            return False
        if name not in self._busy:
            self._busy.add(name)
            self.around.log(INFO, f"{name}: is due, and waits: it is already running")
        return True

    def begin(self, loaded: Loaded, name: str) -> None:
        """Begin a run; that it began is remembered first, so that a crash never repeats it."""
        former = self.memory[name]
        now = self.around.clock()
        begun = replace(former, mark=now, started=now, ended=None, code=None)
        self.remember(loaded.config.state_directory, name, begun)
        self._going[name] = asyncio.create_task(self._run(loaded, name, former))

    async def _run(self, loaded: Loaded, name: str, former: Memory) -> None:
        self.around.log(INFO, f"{name}: begins")
        try:
            printed = Printed()
            code = await self._code(loaded, name, printed)
            memory = replace(self.memory[name], ended=self.around.clock(), code=code)
            if self.stopping and code != 0:  # stopped by us: missed, so that it is made up for after the next start
                memory = replace(memory, mark=former.mark)
            self.remember(loaded.config.state_directory, name, memory)
            if code:
                self.around.log(ERROR, f"{name}: failed with exit code {code}")
                self._tell_for(loaded, name, printed.untold(code))
            else:
                self.around.log(INFO, f"{name}: is done")
        except Exception as error:  # noqa: BLE001 - one run must not end the others
            in_background(self.around.exception, error, loaded.config)
        finally:
            del self._going[name]
            self._children.pop(name, None)
            self.ended()

    def _tell_for(self, loaded: Loaded, name: str, reason: str | None) -> None:
        """Tell of a failure that the run could not tell of itself."""
        if reason is not None and not self.stopping:
            in_background(self.around.failed, loaded.config.backups[name], reason, loaded.config)

    async def _code(self, loaded: Loaded, name: str, printed: Printed) -> int:
        environment = dict(self.around.environment)
        if loaded.config.path != STDIN:
            environment["CONFIG_DIR"] = str(loaded.config.path.parent)
        try:
            child = await Child.start(self.around.command(name), environment)
        except OSError as error:
            self.around.log(ERROR, f"{name}: cannot be started: {error}")
            return _CANNOT_START
        self._children[name] = child
        if self.stopping:
            child.ask_to_stop()

        def say(line: str, is_error: bool) -> None:
            self.around.said(name, line, printed.take(line, is_error=is_error))

        try:
            return await child.finish(loaded.text, say)
        finally:
            child.kill()  # whatever went wrong here, nothing is left that nobody listens to

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask every run to stop, and kill those that still go after the grace, or once somebody is in a hurry."""
        self.stopping = True
        if not self._going:
            return
        self.around.log(INFO, f"asks {', '.join(self._going)} to stop")
        for child in self._children.values():
            child.ask_to_stop()
        ends = asyncio.create_task(asyncio.wait(self._going.values()))
        hurries = asyncio.create_task(hurry.wait())
        await asyncio.wait({ends, hurries}, timeout=self.around.grace, return_when=asyncio.FIRST_COMPLETED)
        hurries.cancel()
        for name, child in self._children.items():
            self.around.log(WARNING, f"{name}: is killed: it did not stop in time")
            child.kill()
        await ends
