"""Inside a running container (contract B 3.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bahub.errors import Failed
from bahub.transports import base
from bahub.transports.containers import PROGRAM, SHELL, WORD, Containers

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {"container": WORD, "shell": SHELL, "program": PROGRAM},
        "required": ["container"],
        "additionalProperties": False,
    },
    example="""\
type: docker
spec:
  container: db_1
  shell: /bin/sh
  program: docker
""",
)


class Transport:
    """Runs scripts through `docker exec` or `podman exec`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._containers = Containers(str(spec.get("program", "docker")))
        self._container = str(spec["container"])
        self._shell = str(spec.get("shell", "/bin/sh"))

    def command(self, text: str) -> Sequence[str]:
        """Return the command that runs the script inside."""
        return self._containers.command(self._container, self._shell, text)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """See whether the container is there and runs.

        Raises:
            Failed: it is missing, or does not run; which of the two is said.
        """
        state = self._containers.state(self._container)
        if state != "running":
            raise Failed(
                f"the container {self._container} exists but does not run (it is {state})",
                hint=f"start it: {self._containers.program} start {self._container}",
            )
        yield

    def last_words(self) -> Sequence[str]:
        """Return the last 15 lines of the container's log."""
        return self._containers.log(self._container)
