"""A directory with everything that file systems have, and what is worth comparing about one."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

ODD_NAMES = (
    b"-rf",
    b"line\nbreak",
    b"\xff\xfe not UTF-8",
    b" blanks ",
    b"back\\slash",
    "żółw".encode(),
    b"*?[a]",
    b"n" * 255,
)

_ENTRIES = ((0x01, 6, -1), (0x02, 4, 12345), (0x04, 4, -1), (0x10, 4, -1), (0x20, 0, -1))
_SHARED = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in _ENTRIES)
"""The owner may write, one more user may read, nobody else anything; as the kernel packs it."""

_MAY_BIND = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
"""The capability to listen on low ports, as the kernel packs it; a change of owner would take it away."""


def plant(root: Path) -> None:
    """Make the directory: odd names, links of both kinds, holes, attributes, modes, times; as root, owners and pipes."""
    root.mkdir()
    base = os.fsencode(root)
    for name in ODD_NAMES:
        with open(os.path.join(base, name), "wb") as file:  # noqa: PTH118, PTH123 - names that are no text
            file.write(name * 1000)
    deep = root / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / "deep").write_bytes(os.urandom(200_000))
    os.link(deep / "deep", root / "hard link")
    (root / "symbolic").symlink_to("/etc/passwd")
    (root / "dangling").symlink_to("../nowhere/at/all")
    (root / "dangling directory").mkdir()
    with (root / "sparse").open("wb") as file:
        file.seek(80_000_000)
        file.write(b"after the hole")
    (root / "empty").touch()
    os.setxattr(root / "empty", "user.note", b"\0binary\xff")
    (root / "shared").write_text("x")
    with contextlib.suppress(OSError):  # not every file system has lists of who may do what
        os.setxattr(root / "shared", "system.posix_acl_access", _SHARED)
    (root / "set-id").write_text("x")
    (root / "set-id").chmod(0o4751)
    (root / "sticky").mkdir(mode=0o755)
    (root / "sticky").chmod(0o1777)
    if os.geteuid() == 0:
        os.mkfifo(root / "pipe", 0o640)
        (root / "capable").write_text("x")
        os.chown(root / "capable", 12345, 54321)
        with contextlib.suppress(PermissionError):  # the root of a container may lack the right to
            os.setxattr(root / "capable", "security.capability", _MAY_BIND)
        os.chown(root / "empty", 12345, 54321)
        os.chown(root / "symbolic", 12345, 54321, follow_symlinks=False)
    place = os.open(root, os.O_PATH)  # the names of sockets have little room
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{place}/socket")
    os.close(place)
    os.utime(root / "set-id", ns=(1_000_000_000, 1_234_567_890_123_456_789))
    (root / "read-only").mkdir()
    (root / "read-only" / "file").write_text("x")
    (root / "read-only").chmod(0o555)


def described(root: Path) -> dict[str, tuple[object, ...]]:
    """Return what is worth comparing about each entry, by its name; sockets are left out, they are never saved."""
    return dict(_entries(os.fsencode(root)))


def _entries(root: bytes) -> Iterator[tuple[str, tuple[object, ...]]]:
    links: dict[int, str] = {}
    for directory, names, files in os.walk(root):
        names.sort()
        for name in [b"", *sorted(files), *(name for name in names if os.path.islink(os.path.join(directory, name)))]:  # noqa: PTH114, PTH118
            path = os.path.join(directory, name) if name else directory  # noqa: PTH118
            entry = os.lstat(path)
            if stat.S_ISSOCK(entry.st_mode):
                continue
            shown = os.path.relpath(path, root).decode(errors="backslashreplace")
            first = links.setdefault(entry.st_ino, shown)
            yield (
                shown,
                (
                    oct(entry.st_mode),
                    entry.st_uid,
                    entry.st_gid,
                    entry.st_mtime_ns,
                    entry.st_size if stat.S_ISREG(entry.st_mode) else 0,
                    _content(path, entry.st_mode),
                    first,
                    {
                        name: os.getxattr(path, name, follow_symlinks=False)
                        for name in os.listxattr(path, follow_symlinks=False)
                    },
                ),
            )


def _content(path: bytes, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.readlink(path)  # noqa: PTH115 - names that are no text
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:  # noqa: PTH123 - names that are no text
            return file.read()
    return b""
