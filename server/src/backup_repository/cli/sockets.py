"""Where `serve` listens: an address, a Unix socket, or what the service manager hands over (contract B 2.3)."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

_FIRST_HANDED_OVER = 3
_BACKLOG = 2048


class CannotListen(Exception):
    """The address or socket cannot be used; the message is for the operator."""


def handed_over() -> list[socket.socket]:
    """Return the listening sockets that the service manager passed to this process (`LISTEN_FDS`).

    Raises:
        CannotListen: what it passed is no socket.
    """
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return []
    try:
        return [socket.socket(fileno=number) for number in range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + int(count))]
    except OSError as error:
        raise CannotListen(f"LISTEN_FDS is {count}, but that many sockets were not passed: {error.strerror}") from error


def on_address(address: str, port: int) -> socket.socket:
    """Listen on an IP address.

    Raises:
        CannotListen: the address is not ours, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotListen(f"cannot listen on {address} port {port}: {_reason(error)}") from error


def on_path(path: Path) -> socket.socket:
    """Listen on a Unix socket, mode 0660; a stale one is replaced.

    Raises:
        CannotListen: another server listens there, something else is there, or the directory is not writable.
    """
    with contextlib.ExitStack() as failure:
        listener = failure.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            _clear(path)
            mask = os.umask(0o117)
            try:
                listener.bind(str(path))
            finally:
                os.umask(mask)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise CannotListen(f"cannot listen on {path}: {_reason(error)}") from error
        failure.pop_all()
        return listener


def _clear(path: Path) -> None:
    """Make room for a socket by removing a stale one.

    Raises:
        CannotListen: another server listens there, or something else is there.
        OSError: the socket cannot be tried or removed.
    """
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise CannotListen(f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise CannotListen(f"another server listens on {path}")


def _reason(error: OSError) -> str:
    """Say what the system says, without what Python adds to it; negative numbers are those of name resolution."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
