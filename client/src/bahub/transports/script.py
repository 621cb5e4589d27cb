"""How a script gets its secrets: over its own stdin, before any data (contract B 3.10).

The prologue reads one line for each secret into the environment. `read` of a POSIX shell takes byte by byte from a
pipe, so what follows on stdin stays there for the script.
"""

from __future__ import annotations

from bahub.errors import Misconfigured, Problem
from bahub.transports.base import Script


def wrapped(script: Script) -> str:
    """Return the text for the shell: the prologue, then the script."""
    prologue = "".join(f"IFS= read -r {name} || exit 1; export {name}\n" for name in script.secrets)
    return prologue + script.text


def introduction(script: Script) -> bytes:
    """Return what goes to stdin before any data: the secrets, in the order in which the prologue reads them.

    Raises:
        Misconfigured: a secret has a line break; the text does not hold it.
    """
    values = [secret.reveal() for secret in script.secrets.values()]
    if any("\n" in value or "\0" in value for value in values):
        raise Misconfigured([Problem("", "a secret of the definition is more than one line of text")])
    return "".join(f"{value}\n" for value in values).encode()
