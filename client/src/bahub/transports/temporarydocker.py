"""A container that stands in for a stopped one: for programs that must not run while their files are saved.

Stops the container, starts a temporary one of another image with its volumes and networks, runs scripts there, removes
it and starts the stopped one again, after success, failure and signals alike (contract B 3.5). A container that did
not run before is left as it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from bahub.errors import BahubError, Failed
from bahub.transports import base
from bahub.transports.containers import PROGRAM, SHELL, WORD, Containers

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "orig_container": WORD,
            "temp_container_image": WORD,
            "shell": SHELL,
            "program": PROGRAM,
        },
        "required": ["orig_container", "temp_container_image"],
        "additionalProperties": False,
    },
    example="""\
type: temporarydocker
spec:
  orig_container: cache_1
  temp_container_image: docker.io/library/debian:12
  shell: /bin/sh
  program: docker
""",
)

_STAY = "trap 'exit 0' TERM INT; while :; do sleep 60 & wait; done"
"""Keeps the temporary container going until it is removed."""


class Transport:
    """Runs scripts in a temporary container."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._containers = Containers(str(spec.get("program", "docker")))
        self._original = str(spec["orig_container"])
        self._image = str(spec["temp_container_image"])
        self._shell = str(spec.get("shell", "/bin/sh"))
        self._temporary = f"bahub-{secrets.token_hex(6)}"

    def command(self, text: str) -> Sequence[str]:
        """Return the command that runs the script inside of the temporary container."""
        return self._containers.command(self._temporary, self._shell, text)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Swap the containers, and swap them back.

        Raises:
            Failed: the container is missing, cannot be stopped, or could not be started again.
        """
        ran = self._containers.state(self._original) == "running"
        networks = self._containers.networks(self._original)
        because: BaseException | None = None
        try:
            if ran:
                self._containers.do("stop", self._original)
            self._start_temporary(networks)
            yield
        except BaseException as error:
            because = error
            raise
        finally:
            self._put_back(ran, because)

    def last_words(self) -> Sequence[str]:
        """Return the last 15 lines of the log of the container that was stopped."""
        return self._containers.log(self._original)

    def _start_temporary(self, networks: Sequence[str]) -> None:
        first = ["--network", networks[0]] if networks else []
        self._containers.do(
            "run",
            "--detach",
            "--name",
            self._temporary,
            "--volumes-from",
            self._original,
            *first,
            "--entrypoint",
            self._shell,
            self._image,
            "-c",
            _STAY,
        )
        for network in networks[1:]:
            self._containers.do("network", "connect", network, self._temporary)

    def _put_back(self, ran: bool, because: BaseException | None) -> None:
        try:
            with suppress(BahubError):  # it may never have come to be; what matters is the other one
                self._containers.do("rm", "--force", self._temporary)
        finally:
            if ran:
                self._start_again(because)

    def _start_again(self, because: BaseException | None) -> None:
        try:
            self._containers.do("start", self._original)
        except BahubError as error:
            before = f"; before that: {because}" if isinstance(because, BahubError) else ""
            raise Failed(
                f"the container {self._original} was stopped and could not be started again ({error.message}){before}",
                hint=f"start it by hand: {self._containers.program} start {self._original}",
            ) from because
