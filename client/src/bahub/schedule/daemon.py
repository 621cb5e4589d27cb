"""The scheduler (contract B 3.8): plans, begins runs, waits; `plan.py` decides, `runs.py` runs.

* SIGHUP takes over the file; when that is invalid the former configuration stays, and the log says so.
* SIGTERM and SIGINT begin nothing new and ask what runs to stop; after the grace, or at a second signal, it is killed.
* What goes wrong in one turn is reported and does not end the scheduler.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from bahub.config.model import Config
from bahub.errors import Misconfigured
from bahub.schedule.locks import locked
from bahub.schedule.plan import first_seen, plan
from bahub.schedule.runs import Loaded, Runs, Surroundings, in_background
from bahub.schedule.systemd import ERROR, NOTICE, WARNING, reloading, tell_service_manager, watchdog_seconds

_LONGEST_WAIT = 30.0
"""Seconds after which the clock is looked at again: somebody may have set it."""
_BUSY_WAIT = 5.0
"""Seconds after which a definition that is due, but runs by hand, is looked at again."""


@contextmanager
def the_only_one(config: Config) -> Iterator[None]:
    """Hold the place of the one scheduler of a configuration file.

    Raises:
        Failed: there is one.
    """
    place = hashlib.sha256(str(config.path).encode()).hexdigest()[:16]
    with locked(config.state_directory, f".scheduler-{place}", what=f"A scheduler of {config.path}"):
        yield


class Daemon:
    """One scheduler; `run` it once, inside `the_only_one`."""

    def __init__(self, around: Surroundings, loaded: Loaded) -> None:
        self._around = around
        self._loaded = loaded
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._runs = Runs(around, self.look_again)
        self._ending: signal.Signals | None = None
        self._reload = False
        self._watchdog = watchdog_seconds(around.environment)

    async def run(self) -> signal.Signals:
        """Schedule until SIGTERM or SIGINT, clean up, and return which it was."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._end, ending)
        loop.add_signal_handler(signal.SIGHUP, self._ask_for_reload)
        self._say_what_is_planned()
        self._tell_manager("READY=1")
        while self._ending is None:
            wait = self._turn()
            self._tell_manager("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(wait, (self._watchdog or wait * 2) / 2))
            self._changed.clear()
        self._tell_manager("STOPPING=1")
        await self._runs.stop(self._hurry)
        self._around.log(NOTICE, "stopped")
        return self._ending

    def look_again(self) -> None:
        """Look at the clock and at what is due now, not only after the wait."""
        self._changed.set()

    def _turn(self) -> float:
        """Do what has to be done now; return how many seconds there is nothing to do."""
        try:
            if self._reload:
                self._reload = False
                self._take_over()
            return self._begin_what_is_due()
        except Exception as error:  # noqa: BLE001 - the next turn may go well
            in_background(self._around.exception, error, self._loaded.config)
            return _LONGEST_WAIT

    def _begin_what_is_due(self) -> float:
        config = self._loaded.config
        scheduled = {name: backup for name, backup in config.backups.items() if backup.schedule}
        self._runs.recall(config.state_directory, list(scheduled))
        now = self._around.clock()
        planned = plan(scheduled.values(), self._runs.memory, now)
        for one in planned.new:
            known = self._runs.memory.get(one)
            self._runs.remember(config.state_directory, one, first_seen(scheduled[one], known, now))
        wait = _LONGEST_WAIT
        for name in planned.due(now):
            if self._runs.goes(name):
                continue
            if self._runs.is_busy(config.state_directory, name):
                wait = _BUSY_WAIT
            elif self._runs.free:
                self._runs.begin(self._loaded, name)
        upcoming = planned.next(now)
        return wait if upcoming is None else min(wait, max(0.0, (upcoming - now).total_seconds()))

    def _take_over(self) -> None:
        self._tell_manager(*reloading())
        try:
            self._loaded = self._around.load()
        except Misconfigured as error:
            self._around.log(ERROR, f"the configuration is not taken over, the former one stays:\n{error}")
        else:
            self._around.log(NOTICE, "the configuration is taken over")
            self._say_what_is_planned()
        self._tell_manager("READY=1")

    def _say_what_is_planned(self) -> None:
        for warning in self._loaded.config.warnings:
            self._around.log(WARNING, f"warning: {warning}")
        names = [name for name, backup in self._loaded.config.backups.items() if backup.schedule]
        self._around.log(NOTICE, f"schedules {', '.join(names)}" if names else "no definition has a schedule")

    def _end(self, ending: signal.Signals) -> None:
        if self._ending is not None:
            self._hurry.set()
        self._ending = self._ending or ending
        self.look_again()

    def _ask_for_reload(self) -> None:
        self._reload = True
        self.look_again()

    def _tell_manager(self, *facts: str) -> None:
        tell_service_manager(self._around.environment, *facts)
