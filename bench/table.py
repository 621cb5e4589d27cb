"""Results as tables that read well on a terminal and in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.rounds import Series

HEAD = ("", "speed", "", "ratio", "lowest, highest", "CPU", "", "peak memory", "largest process")
_MB = 1e6

Line = tuple[str, ...]
"""The cells of one line."""


def rows(title: str, series: Sequence[Series], amount: float, speed: str, cpu: str) -> list[Line]:
    """Write a heading and one line per contender.

    Args:
        title: what they did.
        series: what was measured; the ratios are to the first one.
        amount: how much one job does.
        speed: unit of an amount per second.
        cpu: unit of seconds per thousand amounts.
    """
    heading = (f"**{title}**", *[""] * (len(HEAD) - 1))
    return [heading, *(_row(one, series[0], amount, speed, cpu) for one in series)]


def _row(one: Series, reference: Series, amount: float, speed: str, cpu: str) -> Line:
    ratios = one.speed_ratios(reference)
    memory = one.memory()
    return (
        one.contender.name,
        f"{amount / one.seconds():.0f}",
        speed,
        f"{statistics.median(ratios):.2f}",
        "" if one is reference else f"{min(ratios):.2f}, {max(ratios):.2f}",
        f"{one.cpu() / amount * 1000:.2f}",
        cpu,
        f"{memory.total / _MB:.0f} MB",
        f"{memory.largest / _MB:.0f} MB",
    )


def render(lines: Sequence[Line]) -> str:
    """Lay lines out as a Markdown table; the first one is its head, the first column is text and the others numbers."""
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(lines[0]))]
    head, *body = (_aligned(line, widths) for line in lines)
    rule = " | ".join(
        "-" * widths[0] if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)
    )
    return "\n".join(f"| {line} |" for line in (head, rule, *body))


def _aligned(line: Line, widths: Sequence[int]) -> str:
    first, *others = zip(line, widths, strict=True)
    return " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
