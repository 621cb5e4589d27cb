"""The units of deploy/systemd, and what the service manager says of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from world.programs import require_program
from world.sources import ROOT

UNITS = ROOT / "deploy" / "systemd"


def options(name: str) -> dict[str, str]:
    """Read what a unit sets; an option that stands several times has several lines."""
    found: dict[str, str] = {}
    for line in (UNITS / name).read_text().splitlines():
        option, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[option] = f"{found[option]}\n{value}" if option in found else value
    return found


def complaints(units: Iterable[Path], program: str, ours: str, place: Path) -> tuple[int, list[str]]:
    """Return the exit code of the verification, and what it says of units whose names hold the program's.

    Args:
        units: verified together, as copies.
        program: the path that they start.
        ours: a program that is really there, put in its place.
        place: an empty directory for the copies.
    """
    name = Path(program).name
    copies = [place / unit.name for unit in units]
    for unit, copy in zip(units, copies, strict=True):
        copy.write_text(unit.read_text().replace(program, ours))
    command = [require_program("systemd-analyze"), "verify", "--man=no", *map(str, copies)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, [line for line in result.stderr.splitlines() if name in line]


def rating(unit: Path) -> tuple[int, str]:
    """Return the exit code of the exposure's rating, which fails above \"OK\", and its last line."""
    command = [
        require_program("systemd-analyze"),
        "security",
        "--offline=true",
        "--threshold=20",
        "--no-pager",
        str(unit),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, (result.stdout.splitlines() or [""])[-1]
