"""Side-by-side measurements: every set-up is built here, measured in interleaved rounds, and stopped again.

make bench                                      uploads and downloads, against rclone and plain NGINX
make bench ARGS=--quick                         the same with little data: does everything work?
make bench ARGS="--size 1024 --rounds 9"        another size of the body, in MiB, and another number of rounds
make bench ARGS=servers                         the HTTP server under the application: uvicorn against Granian
make bench ARGS=objects                         on an object store, against rclone
make bench ARGS=client                          the client, against tar, zstd, age and curl

The tables come on stdout; what is going on comes on stderr.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from bench import client_pipeline, facts, objects, servers, table, transfers
from bench.client import Refused
from machine import find_program
from world.bodies import Body

_MIB = 1 << 20
_QUICK_MIB, _QUICK_ROUNDS = 64, 2
_COPIES = 5
"""Bodies that are on the disk at once, at the most."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


def main() -> None:
    """Measure what the command line asks for."""
    options = _options()
    # So that every set-up is stopped and every directory removed, as after an interrupt.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))
    size = (_QUICK_MIB if options.quick else options.size) * _MIB
    rounds = _QUICK_ROUNDS if options.quick else options.rounds
    if find_program("nginx") is None:
        sys.exit("bench: NGINX is not installed")
    if shutil.disk_usage(options.directory).free < _COPIES * size:
        sys.exit(f"bench: {options.directory} has no room for {_COPIES} bodies; choose a smaller --size")
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as root,
        tempfile.TemporaryDirectory(prefix="bench-", dir=_place_of_source(options.directory, size)) as memory,
    ):
        source = Path(memory) / "body"
        with source.open("wb") as file:
            file.writelines(Body(size, seed=1))
        print(facts.machine(Path(root)), facts.versions(), sep="\n")
        print(f"{size // _MIB} MiB per body, medians of {rounds} rounds\n", flush=True)
        if options.what == "client":
            tables = client_pipeline.compare(Path(root), size, rounds)
        else:
            compare = {"servers": servers, "objects": objects}.get(options.what, transfers).compare
            tables = compare(Path(root), source, rounds)
        print("\n\n".join(table.render(lines) for lines in tables))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("transfers", "servers", "objects", "client"),
        default="transfers",
        help="what to compare",
    )
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="size of the body (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_MIB} MiB and {_QUICK_ROUNDS} rounds")
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
        main()
    except Refused as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
