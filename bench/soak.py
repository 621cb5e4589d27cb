"""One body as large as the server takes, up and down through router and application NGINX exactly as shipped.

make soak                       30 GB; needs 31 GB of room below the directory, and removes everything at the end
make soak ARGS="--size 2"       another number of GB
make soak ARGS="--output FILE"  writes the tables to a file, too

The body is made while it is sent and judged by its digest while it is received; the client stores nothing. The exit
code is 1 when the digest differs or something was refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import client, facts, table
from bench.client import Refused, Request
from bench.processes import cpu_seconds, members, peak_memory
from bench.product import Product, behind_nginx
from bench.report import Report
from bench.routers import Router, router
from bench.table import Line
from machine import find_program
from world.bodies import Body

_GB = 1_000_000_000
_MB = 1e6
_SPARE = _GB
"""Room beside the body: logs, records and what others on the machine write meanwhile."""


@dataclass(slots=True)
class _Way:
    """One transfer as the client saw it."""

    seconds: float = 0.0
    silence: float = 0.0
    """Seconds between the last byte and the answer."""
    sha256: str = ""


def main() -> int:
    """Send it, get it back, compare, and return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: terminated"))
    size = options.size * _GB
    if find_program("nginx") is None:
        sys.exit("soak: NGINX is not installed")
    free = shutil.disk_usage(options.directory).free
    if free < size + _SPARE:
        sys.exit(f"soak: {options.directory} has {free / _GB:.1f} GB of room, not {(size + _SPARE) / _GB:.1f}")
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", dir=options.directory)))
        report = stack.enter_context(Report.begin(options.output))
        report.say(f"{facts.machine(root)}\n{facts.versions()}")
        small = root / "small"
        small.write_bytes(b"small")
        product = stack.enter_context(behind_nginx(root / "behind", small))
        before = stack.enter_context(router(root / "router", product.port, tls=True))
        return _soak(product, before, size, report)


def _soak(product: Product, before: Router, size: int, report: Report) -> int:
    request = product.add()
    print(f"soak: sending {size / _GB:g} GB", file=sys.stderr, flush=True)
    up = _upload(before.before(request), size)
    print(f"soak: sent in {up.seconds:.0f} s; getting it back", file=sys.stderr, flush=True)
    down = _download(before.before(Request("GET", product.port, f"{request.path}/latest", request.headers)), size)
    ways: list[Line] = [("", "time", "speed", "from the last byte to the answer")]
    for name, way in (("upload", up), ("download", down)):
        silence = f"{way.silence:.1f} s" if way is up else ""
        ways.append((name, f"{way.seconds:.0f} s", f"{size / way.seconds / _MB:.0f} MB/s", silence))
    report.say(f"{size / _GB:g} GB through router with TLS and application NGINX, as shipped\n\n{table.render(ways)}")
    report.say(table.render(_processes(product, before)))
    same = up.sha256 == down.sha256
    report.say(f"SHA-256 sent {up.sha256}, received {down.sha256}: {'the same' if same else 'DIFFERENT'}")
    return 0 if same else 1


def _upload(request: Request, size: int) -> _Way:
    """Send a body that never exists as a whole, and compare the digest that the server saw with ours.

    Raises:
        Refused: the server did not take it, or saw other bytes.
    """
    digest, last = hashlib.sha256(), [0.0]

    def blocks() -> Iterator[memoryview]:
        for block in Body(size, seed=3):
            digest.update(block)
            yield block
        last[0] = time.perf_counter()

    begun = time.perf_counter()
    answer = json.loads(client.send(request, size, blocks()))
    ended = time.perf_counter()
    seen = answer["version"]["checksum"]["value"]
    if seen != digest.hexdigest():
        raise Refused(f"sent {digest.hexdigest()}, the server saw {seen}")
    return _Way(ended - begun, ended - last[0], digest.hexdigest())


def _download(request: Request, size: int) -> _Way:
    """Receive the body and keep its digest.

    Raises:
        Refused: it has another length.
    """
    digest = hashlib.sha256()
    begun = time.perf_counter()
    count = client.download(request, digest.update)
    seconds = time.perf_counter() - begun
    if count != size:
        raise Refused(f"{count} of {size} bytes came back")
    return _Way(seconds, 0.0, digest.hexdigest())


def _processes(product: Product, before: Router) -> list[Line]:
    """Write what each process took since it started."""
    server, front = product.pids
    lines: list[Line] = [("process", "processor time", "peak memory")]
    for name, root in (("server", server), ("application NGINX", front), ("router", before.pid)):
        first, *workers = members([root])
        rows = [(name if not workers else f"{name}, master", first)]
        rows += [(f"{name}, worker {number}", pid) for number, pid in enumerate(workers, 1)]
        for label, pid in rows:
            memory = peak_memory([pid], alone=True).largest / _MB
            lines.append((label, f"{cpu_seconds([pid], alone=True):.1f} s", f"{memory:.0f} MB"))
    return lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=30, metavar="GB", help="size of the body (default: %(default)s)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the tables to this file, too")
    parser.add_argument(
        "--directory", type=Path, default=Path("/var/tmp"),  # noqa: S108 - a directory of our own is made in it
        help="where the server stores (default: %(default)s)",
    )  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, OSError) as error:
        sys.exit(f"soak: {error}")
    except KeyboardInterrupt:
        sys.exit("soak: interrupted")
