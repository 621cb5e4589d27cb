"""What this machine has, and what it may get: programs, and the Debian packages they come in.

Needs nothing but Python itself; the set-up uses it before anything is installed, the tests use it to find programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The working copy."""

LIST = ROOT / "tools" / "debian-packages.txt"
"""Lines `program package`: what the tests run."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks it whether a package may start its service; 101 says no."""


def say(sentence: str) -> None:
    """Tell what the set-up is doing; on stderr, because it is no result."""
    print(f"setup: {sentence}", file=sys.stderr, flush=True)


def tail(text: str) -> str:
    """Return the last lines of a longer text, indented."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-15:])


def find_program(name: str, *places: str) -> str | None:
    """Return the path of a program, or None.

    Looked for in the given directories, on PATH, where administrators' programs are, and where Debian keeps those of
    PostgreSQL (the newest first).
    """
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    path = [*places, os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin", *map(str, postgres)]
    return shutil.which(name, path=os.pathsep.join(path))


def install_missing() -> None:
    """Install what the tests need and the machine lacks, or say that those tests will be skipped."""
    wanted = [line.split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
    missing = {program: package for program, package in wanted if find_program(program) is None}
    if missing and not install(sorted(set(missing.values()))):
        say(f"not found: {', '.join(missing)}; tests that need them are skipped, or fail where CI is set")
        say(f"what they come in on Debian: {' '.join(sorted(set(missing.values())))}")


def install(packages: Sequence[str]) -> bool:
    """Install Debian packages without asking anything; return whether that worked."""
    administrator = _administrator()
    if administrator is None:
        return False
    say(f"Installing the Debian packages {' '.join(packages)} (APT=no leaves them out)")
    apt = [*administrator, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2"]
    run(*apt, "update")  # may fail without harm where the lists are good enough
    with _services_at_rest(administrator):
        result = run(*apt, "install", "--yes", "--no-install-recommends", *packages)
    if result.returncode != 0:
        say(f"apt-get failed:\n{tail(result.stdout)}")
    return result.returncode == 0


@contextmanager
def _services_at_rest(administrator: Sequence[str]) -> Iterator[None]:
    """Keep packages from starting what they bring: tests start their own, and nobody asked for more."""
    if POLICY.exists():
        yield
        return
    run(*administrator, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}")
    try:
        yield
    finally:
        run(*administrator, "rm", "-f", str(POLICY))


def _administrator() -> list[str] | None:
    """Return what to put before apt-get to be allowed to install, or None where nothing allows it."""
    if os.environ.get("APT") == "no" or shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    return sudo if shutil.which("sudo") and run(*sudo, "true").returncode == 0 else None


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the top of the working copy, with nothing to read and its words kept."""
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
