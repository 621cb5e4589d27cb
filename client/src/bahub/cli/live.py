"""How far a transfer is (contract B 3.10): a live line on a terminal, else a plain line or object every 60 s."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bahub.cli.output import Output
from bahub.notifications.event import duration_text, size_text
from bahub.progress import Progress

_INTERVAL = 60.0
"""Seconds between two plain lines."""


@contextmanager
def watched(output: Output, definition: str, progress: Progress | None = None) -> Iterator[Progress]:
    """Give a progress to count on (or the one there is), and show it until the context ends.

    Results are better printed afterwards, when the live line is gone.
    """
    progress = progress or Progress()
    is_logged = logging.getLogger().isEnabledFor(logging.DEBUG)
    if output.quiet and not output.as_json:
        yield progress
    elif sys.stderr.isatty() and not output.as_json and not is_logged:
        with _line(progress, definition):
            yield progress
    else:
        with _reports(output, progress, definition):
            yield progress


@contextmanager
def _line(progress: Progress, definition: str) -> Iterator[None]:
    """Keep one line of the terminal up to date; what is printed meanwhile goes above it."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, and needed on terminals alone
    from rich.live import Live  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    with Live(
        get_renderable=lambda: Text(report(progress, definition), no_wrap=True, overflow="ellipsis"),
        console=console,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
    ):
        yield


@contextmanager
def _reports(output: Output, progress: Progress, definition: str) -> Iterator[None]:
    over = threading.Event()

    def tell() -> None:
        while not over.wait(_INTERVAL):
            output.note(report(progress, definition))
            if output.as_json:
                seconds = round(progress.seconds, 1)
                output.result(
                    "progress", definition=definition, bytes=progress.done, total=progress.total, seconds=seconds
                )

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def report(progress: Progress, definition: str) -> str:
    """Say in one line how far it is: bytes, rate, elapsed time, and percent where the total is known."""
    seconds = progress.seconds
    parts = [size_text(progress.done), f"{size_text(progress.done / max(seconds, 0.001))}/s", duration_text(seconds)]
    if progress.total:
        parts.insert(0, f"{100 * progress.done / progress.total:.0f} %")
    return f"{definition}: {', '.join(parts)}"
