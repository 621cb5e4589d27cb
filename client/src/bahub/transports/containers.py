"""What `docker` and `podman` say about containers, and do to them; both understand the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bahub.errors import BahubError, Failed
from bahub.transports.programs import ask, ask_to_the_end, last_line

WORD: Mapping[str, Any] = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][^\s]*$",
    "description": "a name that begins with a letter or digit and has no spaces",
}
"""Schema of names of containers and images."""
SHELL: Mapping[str, Any] = {"type": "string", "minLength": 1, "default": "/bin/sh"}
PROGRAM: Mapping[str, Any] = {"enum": ["docker", "podman"], "default": "docker"}
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers that one program manages."""

    program: str
    """`docker` or `podman`."""

    def command(self, container: str, shell: str, text: str) -> Sequence[str]:
        """Return the command that runs a script inside of a container."""
        return [self.program, "exec", "-i", container, shell, "-c", text]

    def state(self, container: str) -> str:
        """Return `running`, `exited`, `paused` or whatever else the program calls it.

        Raises:
            Failed: there is no such container, or the program cannot tell.
        """
        answer = ask(self.program, "inspect", "--type", "container", "--format", "{{.State.Status}}", container)
        if answer.returncode == 0:
            return answer.stdout.strip()
        if "no such" in answer.stderr.lower():
            raise Failed(
                f"the container {container} does not exist",
                hint=f"look for its name: {self.program} ps --all",
            )
        raise Failed(f"{self.program} does not answer: {last_line(answer.stderr)}")

    def networks(self, container: str) -> Sequence[str]:
        """Return the names of a container's networks."""
        form = '{{range $name, $network := .NetworkSettings.Networks}}{{$name}}{{"\\n"}}{{end}}'
        answer = self.do("inspect", "--type", "container", "--format", form, container)
        return answer.split()

    def do(self, *words: str) -> str:
        """Have the program do something, to its end whatever signals come, and return its stdout.

        Raises:
            Failed: it could not.
        """
        answer = ask_to_the_end(self.program, *words)
        if answer.returncode != 0:
            raise Failed(f"{self.program} {words[0]} failed: {last_line(answer.stderr)}")
        return answer.stdout

    def log(self, container: str) -> Sequence[str]:
        """Return the last 15 lines of a container's log; nothing where there is none."""
        try:
            answer = ask(self.program, "logs", "--tail", str(_LAST_LINES), container)
        except BahubError:
            return ()
        if answer.returncode != 0:
            return ()
        return (answer.stdout + answer.stderr).splitlines()[-_LAST_LINES:]
