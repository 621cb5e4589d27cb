"""The targets, and the one table that says which of them were reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.outcome import Reached
from bench.table import Line

HEAD = ("target", "wanted", "reached", "", "measured with")


@dataclass(frozen=True, slots=True)
class Target:
    """One promise about speed or thrift."""

    what: str
    limit: float
    unit: str
    """Empty: it is a ratio."""
    at_least: bool = False
    """Whether the limit must be reached; else it must not be passed."""
    digits: int = 2

    def met_by(self, value: float) -> bool:
        """Whether a value keeps the promise, rounded as it is shown."""
        shown = round(value, self.digits)
        return shown >= self.limit if self.at_least else shown <= self.limit

    def write(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{value:.{self.digits}f} {self.unit}".rstrip()


def _at_least(what: str, limit: float) -> Target:
    return Target(what, limit, "", at_least=True)


def _at_most(what: str, limit: float, unit: str, digits: int = 0) -> Target:
    return Target(what, limit, unit, digits=digits)


TARGETS: Mapping[str, Target] = {
    "P1": _at_least("upload, landed file behind application NGINX, to rest-server", 2.0),
    "P2": _at_least("the same through the router, to rest-server behind it", 1.6),
    "P3": _at_least("upload straight to the server, to rest-server", 1.2),
    "P4": _at_most("processor time per byte of P1, to rest-server", 0.45, "", 2),
    "P5": _at_least("download through application NGINX, to NGINX's static file", 0.95),
    "P6": _at_least("download straight from the server, to rest-server", 0.8),
    "P7 rest": _at_most("memory of the server at rest", 75, "MB"),
    "P7 large": _at_most("its memory during one large upload", 100, "MB"),
    "P7 many": _at_most("its memory during many throttled uploads", 120, "MB"),
    "P8 direct": _at_most("`/health` p99 during many throttled uploads, direct", 50, "ms"),
    "P8 through": _at_most("the same through both NGINX", 150, "ms"),
    "P9 sum": _at_least("four uploads at full speed together, to one", 1.3),
    "P9 direct": _at_most("`/health` p99 during four uploads, direct", 50, "ms"),
    "P9 through": _at_most("the same through both NGINX", 500, "ms"),
    "P10": _at_least("listing of 20 versions on PostgreSQL, to a bare asyncpg endpoint", 0.35),
    "P11": _at_most("slowest of listings and numbers, many versions to few", 2.0, "", 2),
    "P11 others": _at_most("slowest search, page in the middle or Overview, likewise", 2.0, "", 2),
    "P12 shell": _at_least("backup of a directory, to tar, zstd, age and curl", 1.0),
    "P12 restic": _at_least("backup of a directory, to a first `restic backup`", 1.5),
    "P13": _at_least("upload to an S3 server, to rclone's", 0.9),
    "P14": _at_most("start until `/health` answers", 1.5, "s", 2),
}
"""Name of each target and what it promises."""


def summary(reached: Sequence[Reached], missing: Mapping[str, str]) -> list[Line]:
    """Write the table of the targets.

    Args:
        reached: what was measured; of several numbers for one target the worst counts.
        missing: why a target could not be measured, by its name; targets in neither are left out.
    """
    lines: list[Line] = [HEAD]
    for name, target in TARGETS.items():
        mine = [one for one in reached if one.target == name]
        if mine:
            worst = (min if target.at_least else max)(mine, key=lambda one: one.value)
            verdict = "ok" if target.met_by(worst.value) else "**missed**"
            lines.append((*_wanted(name, target), target.write(worst.value), verdict, worst.note))
        elif name in missing:
            lines.append((*_wanted(name, target), "", "not measured", missing[name]))
    return lines


def _wanted(name: str, target: Target) -> tuple[str, str]:
    limit = f"{target.limit:g} {target.unit}".rstrip()
    return f"{name}: {target.what}", f"≥ {limit}" if target.at_least else f"≤ {limit}"
