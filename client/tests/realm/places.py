"""A machine that is backed up: a configuration file on the disk, and the program run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
from world.instance import Server

_OWN = ("HOME", "PATH", "LANG", "VIRTUAL_ENV")
"""What the program keeps of the environment of the tests."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What `--json` printed; raises when a line is no object."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Place:
    """A machine with a configuration."""

    root: Path
    url: str
    token: str
    environment: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """Further sections of the configuration."""
    access: dict[str, Any] = field(default_factory=dict)
    """Further keys of the access."""

    def __post_init__(self) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.file("identity", f"{identity}\n")
        self.file("recipients", f"{identity.to_public()}\n")
        self.file("token", self.token)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.root / "state"

    def file(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read."""
        path = self.root / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def define(self, name: str, command: str, collection_id: str, *, restore: str | None = None, **meta: Any) -> None:
        """Add a definition of the type `command`; `meta` are further keys of its `meta`."""
        spec = {"command": command} | ({} if restore is None else {"restore_command": restore})
        known = {"type": "command", "access": "main", "encryption": "strong", "collection_id": collection_id}
        self.definitions[name] = {"meta": known | meta, "spec": spec}

    def write(self) -> Path:
        """Write the configuration file."""
        method = {
            "method": "age",
            "recipients_file": "${CONFIG_DIR}/recipients",
            "identity_file": "${CONFIG_DIR}/identity",
        }
        document = {
            "accesses": {"main": {"url": self.url, "token_file": "${CONFIG_DIR}/token", **self.access}},
            "encryption": {"strong": method} | ({"plain": {"method": "none"}} if self._is_plain_used() else {}),
            "state_directory": str(self.state),
            "backups": self.definitions,
            **self.more,
        }
        return self.file("bahub.yaml", json.dumps(document))

    def _is_plain_used(self) -> bool:
        return any(definition["meta"]["encryption"] == "plain" for definition in self.definitions.values())

    def command(self, *words: str) -> list[str]:
        """Return the command of a run."""
        return [sys.executable, "-P", "-m", "bahub", *words]

    def surroundings(self) -> dict[str, str]:
        """Return the environment of a run."""
        kept = {name: os.environ[name] for name in _OWN if name in os.environ}
        return kept | {"CONFIG": str(self.root / "bahub.yaml"), "COLUMNS": "120"} | self.environment

    def run(self, *words: str, stdin: bytes | None = None) -> Ended:
        """Run the program to its end."""
        self.write()
        result = subprocess.run(
            self.command(*words),
            env=self.surroundings(),
            cwd=self.root,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        return Ended(result.returncode, result.stdout.decode(), result.stderr.decode())

    @contextmanager
    def running(self, *words: str, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
        """Run the program beside the test; killed by its process id when it still goes at the end."""
        self.write()
        with subprocess.Popen(
            self.command(*words),
            env=self.surroundings(),
            cwd=self.root,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


def place_for(root: Path, server: Server) -> Place:
    """A machine whose server is a real one, as its administrator."""
    root.mkdir(exist_ok=True)
    return Place(root, f"http://{server.direct.host}", server.token)


def new_collection(server: Server, filename: str = "db.tar.gz", **fields: Any) -> str:
    """Create a collection and return its id."""
    return server.create_collection(filename, **fields).split("/")[-2]


def versions_in(server: Server, collection_id: str) -> Mapping[str, Any]:
    """Return the versions that the server lists, by number."""
    path = f"/api/stable/repository/collection/{collection_id}/versions"
    found: Mapping[str, Any] = server.direct.ask("GET", path, server.bearer).json()["versions"]
    return found


def lines(text: str) -> Sequence[str]:
    """Return the lines of a text that hold something."""
    return [line for line in text.splitlines() if line.strip()]
