"""Another machine that runs an SSH server (contract B 3.5).

Never asks anything: an unknown or changed host key is refused, a password is not asked for. What the user's own
configuration of `ssh` says about the host (its address, a machine to jump over) holds; what would weaken these rules,
or forward something, does not.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bahub.errors import Failed
from bahub.transports import base
from bahub.transports.programs import ask, last_line

_WORD = {"type": "string", "pattern": r"^[^-\s][^\s]*$", "description": "one word that does not begin with `-`"}
_PATH = {"type": "string", "minLength": 1, "format": "path"}

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "host": _WORD,
            "user": _WORD,
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "identity_file": _PATH,
            "known_hosts": _PATH,
        },
        "required": ["host"],
        "additionalProperties": False,
    },
    example="""\
type: ssh
spec:
  host: db.example.org
  user: backup
  port: 22
  identity_file: ~/.ssh/backup_ed25519
  known_hosts: ~/.ssh/known_hosts
""",
)

_RULES = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RequestTTY": "no",
    "ConnectTimeout": "30",
    "ServerAliveInterval": "30",
    "ServerAliveCountMax": "10",
}
"""A connection of its own each time: a shared one would keep stderr open after the end, and skip the checks."""


class Transport:
    """Runs scripts through `ssh`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._host = str(spec["host"])
        options = [part for name, value in _RULES.items() for part in ("-o", f"{name}={value}")]
        if "user" in spec:
            options += ["-l", str(spec["user"])]
        if "port" in spec:
            options += ["-p", str(spec["port"])]
        if "identity_file" in spec:
            options += ["-o", "IdentitiesOnly=yes", "-o", f"IdentityFile={_quoted(str(spec['identity_file']))}"]
        if "known_hosts" in spec:
            options += ["-o", f"UserKnownHostsFile={_quoted(str(spec['known_hosts']))}"]
            options += ["-o", "GlobalKnownHostsFile=none"]
        self._options = tuple(options)

    def command(self, text: str) -> Sequence[str]:
        """Return `ssh` with the script; over there the account's own shell hands it to a POSIX one."""
        return ["ssh", *self._options, "-T", "--", self._host, f"exec /bin/sh -c {shlex.quote(text)}"]

    @contextmanager
    def opened(self) -> Iterator[None]:
        """See whether the machine lets us in.

        Raises:
            Failed: it does not, or is not the one it was.
        """
        answer = ask(*self.command("exit 0"))
        if answer.returncode != 0:
            raise Failed(f"ssh cannot run anything on {self._host}: {_reason(answer.stderr)}", hint=_HINT)
        yield

    def last_words(self) -> Sequence[str]:
        """Return nothing: the machine keeps no log of ours."""
        return ()


_HINT = "try it by hand: `ssh` with the same user, key and known_hosts must work without a question"


def _quoted(path: str) -> str:
    """Write a path for the option, where spaces separate files, quotes keep them together and `%` begins a token."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _reason(words: str) -> str:
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in words:
        return "its host key has changed; find out why before you replace it in the file of known hosts"
    if "host key is known" in words or "Host key verification failed" in words:
        return "its host key is not known"
    return last_line(words)
