"""The directory with GnuPG's keys, and the agent that GnuPG starts for it.

GnuPG reaches its agent through sockets in that directory, whose paths may have 107 bytes: a longer directory is used
through a short link. An agent that was not there before is ended again; one that somebody else started stays.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LONGEST_SOCKET: Final = 107
"""Bytes that the path of a socket may have."""
_LONGEST_NAME: Final = "/S.gpg-agent.browser"
"""Of the sockets that an agent makes."""


@contextlib.contextmanager
def reachable(home: Path) -> Iterator[Path]:
    """Give a path of the directory that is short enough, and leave no agent behind."""
    with _short(home) as path:
        running = agent_answers(path)
        try:
            yield path
        finally:
            if not running and agent_answers(path):
                subprocess.run(  # noqa: S603 - fixed words
                    ["gpgconf", "--homedir", str(path), "--kill", "gpg-agent"],  # noqa: S607 - found like gpg
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )


@contextlib.contextmanager
def _short(home: Path) -> Iterator[Path]:
    if len(os.fsencode(home)) + len(_LONGEST_NAME) <= _LONGEST_SOCKET:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="bahub-") as directory:
        link = Path(directory) / "home"
        link.symlink_to(home)
        yield link


def agent_answers(home: Path) -> bool:
    """Say whether an agent serves the directory; without one gpg takes every secret key for missing."""
    listed = subprocess.run(  # noqa: S603 - fixed words
        ["gpgconf", "--homedir", str(home), "--list-dirs", "agent-socket"],  # noqa: S607 - found like gpg
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    place = listed.stdout.strip()
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(place)
        except OSError:
            return False
    return True
