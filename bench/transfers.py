"""Uploads and downloads of one large file: the product and its peers, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import client, table
from bench.client import Request
from bench.outcome import Outcome, Reached, Task
from bench.peers import Peer, plain_nginx, rclone, rest_server, rest_server_program
from bench.product import Product, alone, behind_nginx
from bench.rounds import Contender, Series, measure
from bench.routers import Router, router
from bench.table import Line

_MB = 1e6
_UPLOAD_FACTOR, _CPU_FACTOR, _DOWNLOAD_FACTOR = 2.26, 1.08 / 2.37, 2805 / 3160
"""What rclone has of rest-server's upload speed, processor time and download speed where both were measured on one
machine: what stands in for rest-server where it is not there."""

_RCLONE, _REST = "rclone serve restic (no digest, no fsync)", "rest-server (SHA-256, fsync)"
_PLAIN = "NGINX DAV PUT (no digest, no fsync)"
_ALONE, _LANDED = "server alone, streaming (SHA-256, fsync)", "application NGINX, landed file (SHA-256, fsync)"
_KERNEL = "server alone, sent by the kernel"


@dataclass(frozen=True, slots=True)
class _Setups:
    """Everybody who takes part, running."""

    behind: Product
    direct: Product
    restic: Peer
    plain: Peer
    verifying: Peer | None
    """rest-server, where it is on the machine."""
    routers: dict[str, Router]
    """One in front of each of them, by names of its own; `TLS` is the product's, as shipped."""


def compare(task: Task) -> Outcome:
    """Measure both ways."""
    with ExitStack() as stack:
        setups = _start(task, stack)
        uploads = {one.contender.name: one for one in measure("upload", _uploads(setups, task.source), task.rounds)}
        downloads = {one.contender.name: one for one in measure("download", _downloads(setups), task.rounds)}
    lines = [table.HEAD, *rows("Upload; ratio to rclone", list(uploads.values()), task.size)]
    lines += rows("Download; ratio to NGINX", list(downloads.values()), task.size)
    known = setups.verifying is not None
    remark = "rest-server: not on this machine; what is compared with it is estimated from rclone by known factors."
    return Outcome([lines], _reached(uploads, downloads, known=known), [] if known else [remark])


def rows(title: str, series: Sequence[Series], size: int) -> list[Line]:
    """Write the lines of jobs that move so many bytes."""
    return table.rows(title, series, size / _MB, "MB/s", "s/GB")


def uploading(name: str, product: Product, source: Path) -> Contender:
    """Let the product take an upload."""
    return Contender(name, product.pids, lambda: _upload(product.add(), source), product.discard)


def downloading(name: str, product: Product) -> Contender:
    """Let the product give its version back."""
    return _downloading(name, product.pids, product.get())


def _start(task: Task, stack: ExitStack) -> _Setups:
    behind = stack.enter_context(behind_nginx(task.root / "behind", task.source))
    direct = stack.enter_context(alone(task.root / "alone", task.source))
    restic = stack.enter_context(rclone(task.root / "rclone"))
    plain = stack.enter_context(plain_nginx(task.root / "nginx"))
    verifying = None
    if rest_server_program() is not None:
        verifying = stack.enter_context(rest_server(task.root / "rest-server", task.source))
    ports = {"behind": behind.port, "alone": direct.port, "rclone": restic.port, "nginx": plain.port}
    if verifying is not None:
        ports["rest-server"] = verifying.port
    before = {
        name: stack.enter_context(router(task.root / f"router-{name}", port, tls=False)) for name, port in ports.items()
    }
    before["TLS"] = stack.enter_context(router(task.root / "router-tls", behind.port, tls=True))
    return _Setups(behind, direct, restic, plain, verifying, before)


def _uploads(setups: _Setups, source: Path) -> list[Contender]:
    behind, direct, routers = setups.behind, setups.direct, setups.routers
    streaming = Contender(
        "application NGINX, not landed but streamed on (SHA-256, fsync)",
        behind.pids,
        lambda: _upload(behind.add_streaming(), source),
        behind.discard,
    )
    peers = [(_RCLONE, setups.restic), (_PLAIN, setups.plain)]
    through = [("rclone", _RCLONE, setups.restic)]
    if setups.verifying is not None:
        peers.append((_REST, setups.verifying))
        through.append(("rest-server", _REST, setups.verifying))
    return [
        *(Contender(name, (peer.pid,), _peer(peer, source), peer.discard) for name, peer in peers),
        uploading(_ALONE, direct, source),
        uploading(_LANDED, behind, source),
        streaming,
        *(_routed(f"router + {name}", routers[key], peer, source) for key, name, peer in through),
        _routed(f"router + {_ALONE}", routers["alone"], direct, source),
        _routed(f"router + {_LANDED}", routers["behind"], behind, source),
        _routed(f"router with TLS + {_LANDED}", routers["TLS"], behind, source),
    ]


def _downloads(setups: _Setups) -> list[Contender]:
    behind, direct, restic, plain = setups.behind, setups.direct, setups.restic, setups.plain
    static, routers = plain.get(behind.blob), setups.routers
    through = [
        ("router + NGINX, static file", routers["nginx"], (plain.pid,), static),
        ("router + application NGINX", routers["behind"], behind.pids, behind.get()),
        ("router with TLS + application NGINX", routers["TLS"], behind.pids, behind.get()),
    ]
    peers = [_downloading("rclone serve restic", (restic.pid,), restic.get(behind.blob))]
    if setups.verifying is not None:
        peers.append(_downloading("rest-server", (setups.verifying.pid,), setups.verifying.get(behind.blob)))
    return [
        _downloading("NGINX, static file", (plain.pid,), static),
        *peers,
        _downloading("application NGINX (X-Accel-Redirect)", behind.pids, behind.get()),
        downloading(_KERNEL, direct),
        *(_downloading(name, (*pids, one.pid), one.before(request)) for name, one, pids, request in through),
    ]


def _reached(uploads: dict[str, Series], downloads: dict[str, Series], *, known: bool) -> list[Reached]:
    """Compare with rest-server, or with rclone and the factor between the two."""
    note = "" if known else "rclone x factor: an estimate"
    peer = uploads[_REST if known else _RCLONE]
    factor, cpu, fetched = (1.0, 1.0, 1.0) if known else (_UPLOAD_FACTOR, _CPU_FACTOR, _DOWNLOAD_FACTOR)
    landed, streamed = uploads[_LANDED], uploads[_ALONE]
    routed = uploads[f"router + {_LANDED}"]
    # Behind a router rest-server is no faster than alone, and no faster than rclone there: the ratio is a lower limit.
    behind_router = routed.speed_ratio(uploads[f"router + {_REST if known else _RCLONE}"])
    if not known:
        behind_router = max(behind_router, routed.speed_ratio(peer) * factor)
    static, own = downloads["NGINX, static file"], downloads["application NGINX (X-Accel-Redirect)"]
    other = downloads["rest-server" if known else "rclone serve restic"]
    return [
        Reached("P1", landed.speed_ratio(peer) * factor, note),
        Reached("P2", behind_router, note and f"{note}, at least"),
        Reached("P3", streamed.speed_ratio(peer) * factor, note),
        Reached("P4", landed.cpu_ratio(peer) * cpu, note),
        Reached("P5", own.speed_ratio(static)),
        Reached("P6", downloads[_KERNEL].speed_ratio(other) * fetched, note),
    ]


def _peer(peer: Peer, source: Path) -> Callable[[], Callable[[], None]]:
    return lambda: _upload(peer.add(), source)


def _routed(name: str, before: Router, setup: Product | Peer, source: Path) -> Contender:
    pids = setup.pids if isinstance(setup, Product) else (setup.pid,)
    return Contender(name, (*pids, before.pid), lambda: _upload(before.before(setup.add()), source), setup.discard)


def _downloading(name: str, pids: tuple[int, ...], request: Request) -> Contender:
    return Contender(name, pids, lambda: lambda: _download(request), lambda: None)


def _upload(request: Request, source: Path) -> Callable[[], None]:
    def job() -> None:
        client.upload(request, source)

    return job


def _download(request: Request) -> None:
    client.download(request)
