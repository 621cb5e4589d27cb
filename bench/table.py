"""The result as one table, readable on a terminal and in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.rounds import Series

HEAD = ("", "MB/s", "ratio", "lowest and highest", "CPU s/GB", "peak MB, largest process", "all processes")
_MB, _GB = 1e6, 1e9


def rows(title: str, series: Sequence[Series], reference: int, size: int) -> list[tuple[str, ...]]:
    """Write a heading and one row per contender.

    Args:
        title: what they did.
        series: what was measured.
        reference: index of the one that the others are compared with.
        size: bytes that one job moved.
    """
    return [(f"**{title}**", *[""] * (len(HEAD) - 1)), *(_row(one, series[reference], size) for one in series)]


def _row(one: Series, reference: Series, size: int) -> tuple[str, ...]:
    ratios = one.speed_ratios(reference)
    memory = one.memory()
    return (
        one.contender.name,
        f"{size / one.seconds() / _MB:.0f}",
        f"{statistics.median(ratios):.2f}",
        "" if one is reference else f"{min(ratios):.2f} – {max(ratios):.2f}",
        f"{one.cpu() / size * _GB:.2f}",
        f"{memory.largest / _MB:.0f}",
        f"{memory.total / _MB:.0f}",
    )


def render(lines: Sequence[tuple[str, ...]]) -> str:
    """Lay the lines out as a Markdown table; the first one is its head."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    head, *body = [
        " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    rule = " | ".join("-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths))
    return "\n".join(f"| {line} |" for line in (head, rule, *body))
