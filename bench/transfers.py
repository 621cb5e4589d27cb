"""Uploads and downloads of one large file: the product and its peers, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import client, table
from bench.client import Request
from bench.peers import Peer, plain_nginx, rclone
from bench.product import Product, alone, behind_nginx
from bench.rounds import Contender, measure


def compare(root: Path, source: Path, rounds: int) -> list[tuple[str, ...]]:
    """Measure both ways and return the lines of the table.

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
        uploads = [
            _uploading("rclone serve restic (not verified, not synced)", restic, source, behind.blob),
            _uploading("NGINX DAV PUT (not verified, not synced)", plain, source, behind.blob),
            _product_uploading("through the application NGINX (SHA-256, synced)", behind, source),
            _product_uploading("streamed straight to the server (SHA-256, synced)", direct, source),
        ]
        downloads = [
            _downloading("NGINX static", (plain.pid,), plain.get(behind.blob)),
            _downloading("rclone serve restic", (restic.pid,), restic.get(behind.blob)),
            _downloading("through the application NGINX (X-Accel-Redirect)", behind.pids, behind.get()),
            _downloading("streamed straight from the server", direct.pids, direct.get()),
        ]
        return [
            *table.rows("Upload, against rclone", measure("upload", uploads, rounds), 0, size),
            *table.rows("Download, against NGINX static", measure("download", downloads, rounds), 0, size),
        ]
