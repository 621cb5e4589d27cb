"""The program behind a stand-in for `docker`: keeps containers' states, records its arguments, runs what it is told.

The state is one JSON file beside the program that started this: `containers` by name, with `status`, `networks` and
`volumes_from`; `failing`: words whose command fails; `calls`: the arguments of every call. A "container" is nothing
but a name: what is executed in it runs on this machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STATE = "containers.json"
_NAME = "BAHUB_TEST_CONTAINER"
"""What a command finds in its environment: the container in which it runs."""


def main(directory: Path, arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    with _state(directory) as state:
        state["calls"].append(arguments)
        word, *rest = arguments
        if word in state["failing"]:
            sys.stderr.write(f"Error response from daemon: {word} is out of order\n")
            return 1
        if word != "exec":
            return _COMMANDS[word](state["containers"], rest)
        name = rest[1]
        status = state["containers"].get(name, {}).get("status")
    if status != "running":
        sys.stderr.write(f"Error response from daemon: container {name} is not running\n")
        return 1
    return subprocess.run(rest[2:], env={**os.environ, _NAME: name}, check=False).returncode


@contextmanager
def _state(directory: Path) -> Iterator[dict[str, Any]]:
    with (directory / STATE).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        yield state
        file.seek(0)
        json.dump(state, file)
        file.truncate()


def _inspect(containers: dict[str, Any], rest: list[str]) -> int:
    name, form = rest[-1], rest[rest.index("--format") + 1]
    if name not in containers:
        sys.stderr.write(f"Error: No such container: {name}\n")
        return 1
    if form == "{{.State.Status}}":
        sys.stdout.write(containers[name]["status"] + "\n")
    else:
        sys.stdout.write("".join(f"{network}\n" for network in containers[name]["networks"]) + "\n")
    return 0


def _stop(containers: dict[str, Any], rest: list[str]) -> int:
    containers[rest[-1]]["status"] = "exited"
    return 0


def _start(containers: dict[str, Any], rest: list[str]) -> int:
    containers[rest[-1]]["status"] = "running"
    return 0


def _run(containers: dict[str, Any], rest: list[str]) -> int:
    network, volumes = "--network", "--volumes-from"
    containers[rest[rest.index("--name") + 1]] = {
        "status": "running",
        "networks": [rest[rest.index(network) + 1]] if network in rest else [],
        "volumes_from": rest[rest.index(volumes) + 1],
    }
    return 0


def _remove(containers: dict[str, Any], rest: list[str]) -> int:
    return 0 if containers.pop(rest[-1], None) else 1


def _network(containers: dict[str, Any], rest: list[str]) -> int:
    _, network, name = rest
    containers[name]["networks"].append(network)
    return 0


def _logs(containers: dict[str, Any], rest: list[str]) -> int:
    del containers
    sys.stdout.write("".join(f"log line {number}\n" for number in range(1, 31)[-int(rest[1]) :]))
    return 0


_COMMANDS = {
    "inspect": _inspect,
    "stop": _stop,
    "start": _start,
    "run": _run,
    "rm": _remove,
    "network": _network,
    "logs": _logs,
}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
