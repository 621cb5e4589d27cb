"""A Redis server to throw away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from world.ports import free_port
from world.programs import require_program
from world.waiting import eventually

PASSWORD = "redis $ecret 'of' tests"


@dataclass(slots=True)
class RedisServer:
    """A server that can be stopped and started."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it has loaded its file."""
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "requirepass": f'"{PASSWORD}"',
            "save": '""',
            "repl-diskless-sync-delay": "0",
        }
        file = self.directory / "redis.conf"
        file.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([require_program("redis-server"), str(file)], stdout=log, stderr=log)
        eventually(lambda: self.ask("PING") == "PONG")

    def stop(self) -> None:
        """Stop it without saving anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, *words: str) -> str:
        """Send a command and return the answer."""
        result = subprocess.run(
            [require_program("redis-cli"), "-p", str(self.port), *words],
            env={"REDISCLI_AUTH": PASSWORD},
            text=True,
            capture_output=True,
            check=False,
        )
        return result.stdout.strip()


@contextmanager
def redis_server(directory: Path) -> Iterator[RedisServer]:
    """Run an empty server as long as the context lasts."""
    server = RedisServer(directory, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
