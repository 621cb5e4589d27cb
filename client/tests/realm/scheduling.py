"""A scheduler in a process of its own, its clock set by the test, its runs small programs that the test watches.

The process is this file as a program: see `main` at the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from realm.configs import ACCESSES, ENCRYPTION, backup, schema_of
from world.waiting import eventually

from bahub.config.load import parse, text_of
from bahub.config.model import Config
from bahub.schedule.daemon import Daemon, the_only_one
from bahub.schedule.runs import Loaded, Surroundings

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
"""When a scheduler begins, unless a test says otherwise."""

_RUN = """
trap 'echo "$1 asked to stop" >>"$2/happened"; exit 143' TERM
[ -e "$2/stubborn" ] && trap '' TERM
cat >"$2/$1.configuration"
echo "$1 begins" >>"$2/happened"
echo "trouble of $1" >&2
[ -e "$2/early" ] && exit 3
echo '{"event": "backup.started"}'
[ -e "$2/killed" ] && kill -9 $$
while [ -e "$2/hold" ]; do sleep 0.02; done
echo "$1 ends" >>"$2/happened"
exit "$(cat "$2/$1.code" 2>/dev/null || echo 0)"
"""
"""What stands in for a backup: says so, waits while the file `hold` is there, ends with the code in `NAME.code`."""


@dataclass(slots=True)
class Scheduler:
    """A scheduler, its files, and the world it sees."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def file(self) -> Path:
        return self.root / "bahub.yaml"

    def command(self, parallel: int = 1, grace: float = 60) -> list[str]:
        """Return what starts it."""
        return [sys.executable, __file__, str(self.root), str(parallel), str(grace)]

    def whole_environment(self) -> dict[str, str]:
        """Return what it finds in its environment."""
        paths = os.pathsep.join(path for path in sys.path if path)
        return {**os.environ, "API_TOKEN": "eyJ.token", "PYTHONPATH": paths} | self.environment

    def write(self, **schedules: str) -> None:
        """Write a configuration with a definition for each name, on these cron lines in UTC."""
        sections = [
            backup(name, meta=f", schedule: '{line}', timezone: UTC").removeprefix("backups:\n")
            for name, line in schedules.items()
        ]
        self.file.write_text(f"state_directory: state\n{ACCESSES}{ENCRYPTION}backups:\n{''.join(sections)}")
        self.file.chmod(0o600)

    def set_clock(self, moment: datetime) -> None:
        """Set the clock, and have the scheduler look at it."""
        beside = self.root / "clock.new"
        beside.write_text(moment.isoformat())
        beside.replace(self.root / "clock")
        if self.process is not None:
            self.process.send_signal(signal.SIGUSR1)

    def hold(self) -> None:
        """Let runs go on until `release`."""
        (self.root / "hold").touch()

    def release(self) -> None:
        """Let runs end."""
        (self.root / "hold").unlink()

    def happened(self) -> list[str]:
        """Return what runs did so far."""
        path = self.root / "happened"
        return path.read_text().splitlines() if path.exists() else []

    def log(self) -> list[str]:
        """Return the log so far."""
        return (self.root / "log").read_text().splitlines()

    def logged(self, text: str, times: int = 1) -> None:
        """Wait until a text was logged so often."""
        eventually(lambda: sum(text in line for line in self.log()) >= times)

    def did(self, *events: str) -> None:
        """Wait until runs did exactly this."""
        eventually(lambda: self.happened() == list(events))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the scheduler."""
        if self.process is not None:
            self.process.send_signal(number)

    def stopped(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the scheduler to stop, wait, and return its exit code."""
        self.send(number)
        return self.process.wait() if self.process else 0


@contextmanager
def scheduler(place: Scheduler, *, parallel: int = 1, grace: float = 60) -> Iterator[Scheduler]:
    """Start a scheduler, wait until it has planned once, and stop it by its process id if it still goes."""
    before = len(place.log()) if (place.root / "log").exists() else 0
    with (place.root / "log").open("ab") as log:
        place.process = subprocess.Popen(
            place.command(parallel, grace),
            env=place.whole_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: any("waits" in line for line in place.log()[before:]))
        yield place
    finally:
        if place.process.poll() is None:
            place.process.kill()
        place.process.wait()
        place.process = None


def main(root: Path, parallel: int, grace: float) -> int:
    """Schedule what the file in `root` says, by the clock in `root`; log to stderr."""
    environment: Mapping[str, str] = dict(os.environ)

    def load() -> Loaded:
        path = root / "bahub.yaml"
        text = text_of(path)
        return Loaded(parse(text, path, environment, adapter=schema_of, transport=schema_of), text)

    def clock() -> datetime:
        if (root / "broken-clock").exists():
            raise RuntimeError("the clock is broken")
        return datetime.fromisoformat((root / "clock").read_text())

    def log(priority: int, text: str) -> None:
        sys.stderr.write(f"<{priority}>{text}\n")

    def exception(error: Exception, _config: Config) -> None:
        sys.stderr.write(f"exception: {error}\n")

    around = Surroundings(
        load=load,
        command=lambda name: ["/bin/sh", "-c", _RUN, "sh", name, str(root)],
        clock=clock,
        log=log,
        said=lambda name, line, event: log(6 if event else 5, f"{name}: {line}"),
        failed=lambda definition, reason, _config: log(3, f"told that {definition.name} failed: {reason}"),
        exception=exception,
        environment=dict(environment),
        parallel=parallel,
        grace=grace,
    )
    loaded = load()
    with the_only_one(loaded.config):
        return 128 + asyncio.run(_scheduling(around, loaded))


async def _scheduling(around: Surroundings, loaded: Loaded) -> int:
    daemon = Daemon(around, loaded)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, daemon.look_again)
    asyncio.get_running_loop().call_soon(sys.stderr.write, "waits\n")
    return await daemon.run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
