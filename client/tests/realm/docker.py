"""A stand-in for `docker` and `podman`, first on PATH: this machine may have no daemon."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from realm import standin_docker


@dataclass(frozen=True, slots=True)
class Docker:
    """The containers, and what was asked of the program."""

    directory: Path

    def add(self, name: str, *, status: str = "running", networks: Sequence[str] = ()) -> None:
        """Make a container."""
        self._change(containers={**self.containers, name: {"status": status, "networks": list(networks)}})

    def fail(self, *words: str) -> None:
        """Have these commands fail from now on."""
        self._change(failing=list(words))

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """The containers by name, with `status`, `networks` and, for temporary ones, `volumes_from`."""
        containers: dict[str, dict[str, Any]] = self._state()["containers"]
        return containers

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call so far."""
        calls: list[list[str]] = self._state()["calls"]
        return calls

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.directory / standin_docker.STATE).read_text())
        return state

    def _change(self, **changes: Any) -> None:
        (self.directory / standin_docker.STATE).write_text(json.dumps({**self._state(), **changes}))


def standin_docker_on_path(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Put the stand-in on PATH; no container exists."""
    directory.mkdir()
    (directory / standin_docker.STATE).write_text(json.dumps({"containers": {}, "failing": [], "calls": []}))
    words = shlex.join([sys.executable, "-S", str(standin_docker.__file__), str(directory)])
    for name in ("docker", "podman"):
        program = directory / name
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return Docker(directory)
