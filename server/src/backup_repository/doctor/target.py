"""The address that is examined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_PLAIN_PATH = re.compile(r"[!-~]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an installation answers."""

    scheme: str
    host: str
    """A name in ASCII or an IP address without brackets."""
    port: int
    prefix: str
    """The path in front of all addresses; empty or `/...` without a slash at its end."""

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"


def parse_target(url: str) -> Target:
    """Read the address of an installation; a query or fragment is left out, because it may hold a secret.

    Raises:
        ValueError: it is no http(s) address, or holds a password; the text never repeats it.
    """
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if parts.scheme not in _PORTS or not name or not _PLAIN_PATH.fullmatch(parts.path):
        raise ValueError(_EXPECTED)
    if "@" in parts.netloc:
        raise ValueError("an address with a user name or password is not accepted; a token goes into --token-file")
    try:
        host = name if ":" in name else name.encode("idna").decode()
    except UnicodeError:
        raise ValueError(_EXPECTED) from None
    if not re.fullmatch(r"[\w.:%-]+", host, re.ASCII):
        raise ValueError(_EXPECTED)
    return Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, parts.path.rstrip("/"))


_EXPECTED = "expected the http or https address of an installation, such as https://backups.example.org"
