"""Side-by-side measurements: every set-up is built here, measured in interleaved rounds, and stopped again.

make bench                                      everything below but `servers`; ends with the table of the targets
make bench ARGS=--quick                         the same with little data: does everything work?
make bench ARGS="--output results.md"           writes the tables to a file, too
make bench ARGS="transfers --size 1024"         one part; another size of the body, in MiB
make bench ARGS=transfers                       uploads and downloads, against rclone, rest-server and plain NGINX
make bench ARGS=requests                        log-in, listing and health: requests per second on both databases
make bench ARGS=latency                         health while 200 slow clients, or four fast ones, upload
make bench ARGS=large                           pages of an installation with a million versions
make bench ARGS=memory                          memory at rest and during a large upload; time to start
make bench ARGS=client                          the client, against tar, zstd, age and curl, and against restic
make bench ARGS=objects                         on an object store, against rclone
make bench ARGS=servers                         the HTTP server under the application: uvicorn against Granian
make bench ARGS=cheap                           everything of ours with half a core and 256 MB; takes root's rights

The tables come on stdout; what is going on comes on stderr. The exit code is 1 when a part could not be measured.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench import (
    cheap,
    client_pipeline,
    facts,
    large,
    latency,
    memory,
    objects,
    requests,
    servers,
    table,
    targets,
    transfers,
)
from bench.client import Refused
from bench.outcome import Outcome, Reached, Task
from bench.report import Report
from machine import find_program
from world.bodies import Body

Part = Callable[[Task], Outcome]

PARTS: Mapping[str, Part] = {
    "transfers": transfers.compare,
    "requests": requests.compare,
    "latency": latency.compare,
    "large": large.compare,
    "memory": memory.compare,
    "client": client_pipeline.compare,
    "objects": objects.compare,
}
"""What `make bench` measures, in this order."""

OTHERS: Mapping[str, Part] = {
    "servers": servers.compare,
    "cheap": cheap.compare,
}
"""What is measured only when it is asked for."""

_LACKS = (pytest.skip.Exception, pytest.fail.Exception)
"""What the builders of the tests say when the machine lacks something."""
_MIB = 1 << 20
_QUICK_MIB, _QUICK_ROUNDS = 64, 2
_COPIES = 5
"""Bodies that are on the disk at once, at the most."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


def main() -> int:
    """Measure what the command line asks for, and return the exit code."""
    options = _options()
    # So that every set-up is stopped and every directory removed, as after an interrupt.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))
    size = (_QUICK_MIB if options.quick else options.size) * _MIB
    rounds = _QUICK_ROUNDS if options.quick else options.rounds
    if find_program("nginx") is None:
        sys.exit("bench: NGINX is not installed")
    if shutil.disk_usage(options.directory).free < _COPIES * size:
        sys.exit(f"bench: {options.directory} has no room for {_COPIES} bodies; choose a smaller --size")
    parts = dict(PARTS) if options.what == "all" else {options.what: {**PARTS, **OTHERS}[options.what]}
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory)))
        place = _place_of_source(options.directory, size)
        source = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=place))) / "body"
        with source.open("wb") as file:
            file.writelines(Body(size, seed=1))
        report = stack.enter_context(Report.begin(options.output))
        amount = f"{size // _MIB} MiB per body, medians of {rounds} rounds"
        quick = "; a quick run, which shows that everything works and not how fast" if options.quick else ""
        report.say(f"{facts.machine(root)}\n{facts.versions()}\n{amount}{quick}")
        return _measure(parts, Task(root, source, rounds, options.quick), report)


def _measure(parts: Mapping[str, Part], task: Task, report: Report) -> int:
    """Let each part do its work in a directory of its own; one that cannot does not keep the others from theirs."""
    reached: list[Reached] = []
    started = time.monotonic()
    missing = dict.fromkeys(targets.TARGETS, "see above") if len(parts) > 1 else {}
    failed = 0
    for name, part in parts.items():
        begun = time.monotonic()
        root = task.root / name
        root.mkdir()
        try:
            outcome = part(Task(root, task.source, task.rounds, task.quick))
        except (Refused, RuntimeError, OSError, *_LACKS) as error:
            report.say(f"## {name}\n\nNot measured: {error}")
            failed = 1
        else:
            reached += outcome.reached
            missing |= outcome.missing
            tables = [table.render(lines) for lines in outcome.tables]
            report.say("\n\n".join([f"## {name}", *tables, *outcome.remarks]))
        finally:
            shutil.rmtree(root, ignore_errors=True)
        print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    report.say(f"Measured in {(time.monotonic() - started) / 60:.0f} minutes; load at the end {facts.load()}")
    lines = targets.summary(reached, missing)
    if len(lines) > 1:
        report.say(f"## Targets\n\n{table.render(lines)}")
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", *PARTS, *OTHERS), default="all", help="what to measure")
    parser.add_argument("--size", type=int, default=2048, metavar="MIB", help="size of the body (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_MIB} MiB and {_QUICK_ROUNDS} rounds")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the tables to this file, too")
    parser.add_argument(
        "--directory", type=Path, default=Path("/var/tmp"),  # noqa: S108 - a directory of our own is made in it
        help="where everybody stores; on a disk (default: %(default)s)",
    )  # fmt: skip
    return parser.parse_args()


def _place_of_source(directory: Path, size: int) -> Path:
    """Choose memory where it has room, else the page cache of the disk."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2 * size
    return _MEMORY if has_room else directory


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
