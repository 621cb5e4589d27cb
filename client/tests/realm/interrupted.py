"""A restore or backup in a process of its own, which tests end by a signal.

Arguments: what to do, and a JSON object with `type`, `spec` (`password` in it is a secret), `state` and `transport`.
A restore takes the content from stdin; as long as that is open the restore waits for more.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from realm.runs import BLOCK, LOCAL, Run

from bahub.adapters.base import RestoreOptions
from bahub.config.model import TransportEntry
from bahub.errors import Interrupted
from bahub.masking import Secret
from bahub.pipeline.source import dump
from bahub.pipeline.stages import Stages
from bahub.pipeline.target import Target
from bahub.streams import Pipe

HERE = Path(__file__).resolve()


def start(what: str, run: Run) -> subprocess.Popen[bytes]:
    """Start one; whoever asks for it ends it."""
    spec = {key: value.reveal() if isinstance(value, Secret) else value for key, value in run.spec.items()}
    transport = {"name": run.transport.name, "type": run.transport.type, "spec": dict(run.transport.spec)}
    order = {"type": run.type, "spec": spec, "state": str(run.state), "number": run.number, "transport": transport}
    paths = [str(HERE.parent.parent), str(HERE.parents[3] / "server" / "tests"), str(HERE.parents[3] / "tools")]
    program = f"import sys; sys.path[:0] = {paths!r}; from realm.interrupted import main; main(sys.argv[1:])"
    return subprocess.Popen([sys.executable, "-c", program, what, json.dumps(order)], stdin=subprocess.PIPE)


def main(arguments: list[str]) -> None:
    """Do what the arguments say; a signal to end becomes the exception that the program uses for it."""
    signal.signal(signal.SIGTERM, _interrupt)
    order: Mapping[str, Any] = json.loads(arguments[1])
    spec = {key: Secret(value) if key == "password" else value for key, value in order["spec"].items()}
    transport = TransportEntry(**order["transport"]) if order["transport"]["type"] != "sh" else LOCAL
    run = Run(order["type"], spec, Path(order["state"]), transport, number=order["number"])
    try:
        (_backup if arguments[0] == "backup" else _restore)(run)
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    raise Interrupted(number)


def _backup(run: Run) -> None:
    parts = run.parts()
    with Stages() as stages:
        pipe = stages.pipe()
        stages.run("source", lambda: dump(parts, stages, pipe))
        stages.wait()


def _restore(run: Run) -> None:
    parts = run.parts()
    target = Target(parts, parts.adapter.restore(parts.definition.spec, RestoreOptions()), run.record())
    with Stages() as stages, parts.transport.opened(), target.prepared():
        pipe = stages.pipe()
        stages.run("way", lambda: _send(stages, pipe))
        stages.run("target", lambda: target.take(stages, pipe))
        stages.wait()


def _send(stages: Stages, pipe: Pipe) -> None:
    while True:
        while not select.select([sys.stdin.fileno()], [], [], 0)[0]:
            stages.pause(0.01)
        if not (block := os.read(sys.stdin.fileno(), BLOCK)):
            break
        pipe.write(block)
    pipe.end()
