"""Uploads and downloads of one large file: the product and its peers, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench import client, table
from bench.client import Request
from bench.peers import Peer, plain_nginx, rclone
from bench.product import Product, alone, behind_nginx
from bench.rounds import Contender, Series, measure
from bench.table import Line

_MB = 1e6


def compare(root: Path, source: Path, rounds: int) -> list[list[Line]]:
    """Measure both ways and return the lines of the one table.

    Args:
        root: an empty directory on the disk that everybody stores on.
        source: the file to upload.
        rounds: how often each one is measured.
    """
    size = source.stat().st_size
    with (
        behind_nginx(root / "behind", source) as behind,
        alone(root / "alone", source) as direct,
        rclone(root / "rclone") as restic,
        plain_nginx(root / "nginx") as plain,
    ):
        uploads = (
            _peer_uploading("rclone serve restic (no digest, no fsync)", restic, source),
            _peer_uploading("NGINX DAV PUT (no digest, no fsync)", plain, source),
            uploading("application NGINX (SHA-256, fsync)", behind, source),
            uploading("server alone, streaming (SHA-256, fsync)", direct, source),
        )
        lines = [table.HEAD, *rows("Upload; ratio to rclone", measure("upload", uploads, rounds), size)]
        downloads = (
            _downloading("NGINX, static file", (plain.pid,), plain.get(behind.blob)),
            _downloading("rclone serve restic", (restic.pid,), restic.get(behind.blob)),
            _downloading("application NGINX (X-Accel-Redirect)", behind.pids, behind.get()),
            downloading("server alone, streaming", direct),
        )
        lines += rows("Download; ratio to NGINX", measure("download", downloads, rounds), size)
    return [lines]


def rows(title: str, series: Sequence[Series], size: int) -> list[Line]:
    """Write the lines of jobs that move so many bytes."""
    return table.rows(title, series, size / _MB, "MB/s", "s/GB")


def uploading(name: str, product: Product, source: Path) -> Contender:
    """Let the product take an upload."""
    return Contender(name, product.pids, lambda: _upload(product.add(), source), product.discard)


def downloading(name: str, product: Product) -> Contender:
    """Let the product give its version back."""
    return _downloading(name, product.pids, product.get())


def _peer_uploading(name: str, peer: Peer, source: Path) -> Contender:
    return Contender(name, (peer.pid,), lambda: _upload(peer.add(), source), peer.discard)


def _downloading(name: str, pids: tuple[int, ...], request: Request) -> Contender:
    return Contender(name, pids, lambda: lambda: _download(request), lambda: None)


def _upload(request: Request, source: Path) -> Callable[[], None]:
    def job() -> None:
        client.upload(request, source)

    return job


def _download(request: Request) -> None:
    client.download(request)
