"""An SSH server to throw away, which lets in the account of the tests with a key of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from world.ports import free_port
from world.programs import require_program
from world.waiting import eventually

_USERS_KEY = "user's 100% own key"
"""A name with everything that `ssh` could take for something else."""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running server."""

    directory: Path
    port: int
    """On 127.0.0.1."""

    @property
    def spec(self) -> dict[str, object]:
        """What a transport needs to get in."""
        return {
            "host": "127.0.0.1",
            "user": getpass.getuser(),
            "port": self.port,
            "identity_file": str(self.directory / _USERS_KEY),
            "known_hosts": str(self.known_hosts),
        }

    @property
    def known_hosts(self) -> Path:
        """The file with its host key; a blank in the name, as people have them."""
        return self.directory / "known hosts"

    def knows(self, key: str) -> None:
        """Have the file of known hosts hold the public key of this name."""
        public = (self.directory / f"{key}.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")

    def make_key(self, name: str) -> Path:
        """Make a pair of keys."""
        path = self.directory / name
        subprocess.run(
            [require_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)],
            stdin=subprocess.DEVNULL,
            check=True,
        )
        return path


@contextmanager
def sshd() -> Iterator[Sshd]:
    """Run a server as long as the context lasts."""
    program = require_program("sshd")
    # Every directory above a file of keys must belong to its owner or root, and nobody else may write there.
    directory = Path(tempfile.mkdtemp(prefix="sshd-", dir=Path.home()))
    server = Sshd(directory, free_port())
    try:
        server.make_key("host")
        user = server.make_key("user")
        server.knows("host")
        user.rename(directory / _USERS_KEY)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        settings = {
            "Port": server.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": directory / "host",
            "AuthorizedKeysFile": user.with_suffix(".pub"),
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
        }
        file = directory / "sshd_config"
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        with subprocess.Popen([program, "-D", "-f", str(file), "-E", str(directory / "log")]) as process:
            try:
                eventually(lambda: _listens(server.port, process, directory))
                yield server
            finally:
                process.terminate()
    finally:
        shutil.rmtree(directory)


def _listens(port: int, process: subprocess.Popen[bytes], directory: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError((directory / "log").read_text())
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
