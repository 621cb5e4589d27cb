"""What the kernel sends by itself for a server, seen and disturbed from inside: its Python's calls of the system are
wrapped before anything else runs.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from world.instance import Installation

_WRAPPERS = """
import errno, os

sendfile, pread, write = os.sendfile, os.pread, os.write
fault, position = {fault}, {position}
note = os.open({note!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

def fail(offset):
    if fault and offset >= position:
        raise OSError(fault, os.strerror(fault))

def noted_sendfile(connection, file, offset, count):
    fail(offset)
    count = min(count, position - offset) if fault else count
    sent = sendfile(connection, file, offset, count)
    write(note, b"%d\\n" % sent)
    return sent

def damaged_pread(file, count, offset):
    if fault == errno.EIO:
        fail(offset)
    return pread(file, count, offset)

os.sendfile, os.pread = noted_sendfile, damaged_pread
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """Knows how many bytes of files were sent by the kernel."""

    note: Path

    def sent(self) -> int:
        """Count them, of all servers so far."""
        return sum(map(int, self.note.read_text().split())) if self.note.exists() else 0


def watched(installation: Installation, *, fault: int = 0, position: int = 0) -> tuple[Installation, Kernel]:
    """Let the next servers of an installation be watched.

    Args:
        installation: whose servers.
        fault: from a position of a file on, the kernel says this error in place of sending: EIO is the disk's, so
            that the file cannot be read there either; EINVAL that the file system does not do this.
        position: which.
    """
    if fault not in {0, errno.EIO, errno.EINVAL}:
        raise ValueError(fault)
    place = installation.root / f"kernel-{fault}-{position}"
    place.mkdir(exist_ok=True)
    note = place / "sent"
    code = _WRAPPERS.format(fault=fault, position=position, note=str(note))
    (place / "sitecustomize.py").write_text(code)
    return installation.with_settings(PYTHONPATH=str(place)), Kernel(note)
