"""Prepare a working copy: the virtual environment, the pinned requirements, the packages, the programs of the tests.

    python3 tools/setup.py serve    what running the server needs
    python3 tools/setup.py dev      what checks, tests and benchmarks need on top
    python3 tools/setup.py test     the same, and the Debian packages of tools/debian-packages.txt

It promises: nothing happens when nothing changed (a stamp in the virtual environment says what is installed); only
pinned and hashed packages are installed; a failure is one clear line, with the installer's last words below it.
Debian packages are installed only where that is possible without a question (as root or by passwordless sudo) and
the variable APT is not `no`; otherwise the missing programs are named and their tests are skipped.
It needs nothing but Python itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import machine
from machine import ROOT, run, say, tail

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
MINIMUM = (3, 11)
REQUIREMENTS = {"serve": ("server.txt", "client.txt", "build.txt"), "dev": ("dev.txt",)}
"""Which files of requirements/ an environment holds; `dev` contains all of `serve`, at the same versions."""


class SetupError(Exception):
    """The working copy cannot be prepared; the text says why and what to do."""


def main(level: str) -> None:
    """Prepare the level; see the top of the module.

    Raises:
        SetupError: something needed cannot be had.
    """
    if sys.version_info < MINIMUM:
        raise SetupError("Python 3.11 or newer is needed; name one with PYTHON=, as in: make PYTHON=python3.12 test")
    environment = "serve" if level == "serve" else "dev"
    if not _installed(environment):
        _create_environment()
        _install(environment)
    if level == "test":
        machine.install_missing()


def _installed(environment: str) -> bool:
    """Whether the environment, or the larger one that contains it, is there as pinned now."""
    return _made_here() and any(
        _stamp_file(name).is_file() and _stamp_file(name).read_text() == _stamp(name) for name in {environment, "dev"}
    )


def _made_here() -> bool:
    """Whether the virtual environment works and was made at this very place; a copied one points to its origin."""
    marker = VENV / "pyvenv.cfg"
    return PYTHON.exists() and marker.is_file() and f" {VENV}\n" in marker.read_text()


def _stamp_file(environment: str) -> Path:
    return VENV / f"{environment}.stamp"


def _stamp(environment: str) -> str:
    """Fingerprint of everything that decides what the environment holds."""
    requirements = [ROOT / "requirements" / name for name in REQUIREMENTS[environment]]
    projects = [ROOT / "server/pyproject.toml", ROOT / "client/pyproject.toml"]
    digest = hashlib.sha256()
    for file in (*requirements, *projects, VENV / "pyvenv.cfg"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _create_environment() -> None:
    """Make the virtual environment, unless a good one is there.

    Raises:
        SetupError: Python cannot make one.
    """
    if _made_here() and run(str(PYTHON), "-m", "pip", "--version").returncode == 0:
        return
    if importlib.util.find_spec("ensurepip") is None and not machine.install(["python3-venv"]):
        raise SetupError("this Python cannot make virtual environments: apt-get install python3-venv, then try again")
    say("Creating the virtual environment .venv")
    # In a process of its own: what this one could not import when it started may have come since.
    result = run(sys.executable, "-m", "venv", "--clear", str(VENV))
    if result.returncode != 0:
        raise SetupError(f"the virtual environment cannot be made:\n{tail(result.stdout)}")


def _install(environment: str) -> None:
    """Install the pinned requirements, and both packages editable.

    Raises:
        SetupError: pip failed.
    """
    files = [f"requirements/{name}" for name in REQUIREMENTS[environment]]
    say(f"Installing {' and '.join(files)} into .venv")
    # Wheels only: building a source package would fetch unpinned build tools.
    _pip("--require-hashes", "--only-binary=:all:", *(f"--requirement={file}" for file in files))
    _pip("--no-index", "--no-deps", "--no-build-isolation", "--editable=./server", "--editable=./client")
    _stamp_file(environment).write_text(_stamp(environment))


def _pip(*arguments: str) -> None:
    """Run pip install quietly: its words and warnings go to a log file and are shown only when it fails."""
    result = run(str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments)
    LOG.write_text(result.stdout)
    if result.returncode != 0:
        raise SetupError(f"pip failed (the whole story is in .venv/{LOG.name}):\n{tail(result.stdout)}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"serve", "dev", "test"}:
        sys.exit("usage: setup.py serve|dev|test")
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(f"setup: {error}")
