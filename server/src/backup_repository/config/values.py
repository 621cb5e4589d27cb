"""Texts of settings → values: truth, numbers, sizes, lists of names. Each parser says what is wrong, never the text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from backup_repository import sizes
from backup_repository.config.durations import parse_duration
from backup_repository.config.model import Network

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_MAX_INTEGER = 2**31 - 1
_STORAGE_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_RESERVED_NAMES = frozenset({"RW", "RO"})
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?", re.ASCII)
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def any_text(text: str) -> str:
    """Return the text unchanged."""
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """Return a parser that accepts these words only."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError("is none of the known words")
        return text

    return parse


def truth(text: str) -> bool:
    """Read `true`, `1`, `yes`, `false`, `0` or `no`, in any case.

    Raises:
        ValueError: another word.
    """
    value = _TRUTH.get(text.lower())
    if value is None:
        raise ValueError("is neither true nor false")
    return value


def integer(minimum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `minimum` to 2^31-1."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError("is not a whole number")
        digits = text.lstrip("0")
        value = int(digits or "0") if len(digits) <= len(str(_MAX_INTEGER)) else _MAX_INTEGER + 1
        if not minimum <= value <= _MAX_INTEGER:
            raise ValueError("is out of bounds")
        return value

    return parse


def size(text: str) -> int:
    """Read a size in bytes; `0` in any unit means off (contract 6.2).

    Raises:
        ValueError: the text is no size.
    """
    try:
        return sizes.parse_size(text)
    except ValueError:
        raise ValueError("is not a size") from None


def positive_duration(text: str) -> int:
    """Read a duration in seconds that is more than 0.

    Raises:
        ValueError: the text is no duration, or is 0.
    """
    seconds = parse_duration(text)
    if seconds == 0:
        raise ValueError("is 0")
    return seconds


def storage_name(text: str) -> str:
    """Check a storage name (contract B 1.3).

    Raises:
        ValueError: the text does not follow the grammar, or is reserved.
    """
    if _STORAGE_NAME.fullmatch(text) is None:
        raise ValueError("is not a storage name")
    if text in _RESERVED_NAMES:
        raise ValueError("is a reserved name")
    return text


def networks(text: str) -> tuple[Network, ...]:
    """Read a comma list of addresses and CIDR networks; bits to the right of the prefix are dropped.

    IPv4-mapped IPv6 networks become IPv4 ones, as addresses of that kind do (contract 1.7).

    Raises:
        ValueError: an element is neither an address nor a network.
    """
    return tuple(_network(item, place) for place, item in enumerate(_items(text), 1))


def _network(item: str, place: int) -> Network:
    if _NETWORK.fullmatch(item) is None:
        raise ValueError(f"element {place} is neither an address nor a network")
    try:
        network = ipaddress.ip_network(item, strict=False)
    except ValueError:
        raise ValueError(f"element {place} is neither an address nor a network") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.packed[-4:]
        return ipaddress.IPv4Network((address, network.prefixlen - _MAPPED.prefixlen))
    return network


def hosts(text: str) -> tuple[str, ...]:
    """Read a comma list of host names (`*.example.org` stands for every name below it) and addresses, in lower case.

    IPv6 addresses are returned in brackets, as they stand in a Host header.

    Raises:
        ValueError: an element is no name, or carries a port.
    """
    return tuple(_host(item.lower(), place) for place, item in enumerate(_items(text), 1))


def _host(item: str, place: int) -> str:
    if _HOST.fullmatch(item) is not None:
        return item
    bare = item[1:-1] if item.startswith("[") and item.endswith("]") else item
    try:
        return f"[{ipaddress.IPv6Address(bare)}]"
    except ValueError:
        raise ValueError(f"element {place} is not a host name") from None


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def path(text: str) -> Path:
    """Read a path; `below` makes it absolute."""
    return Path(text)


def below(value: Path | None, cwd: Path) -> Path | None:
    """Make a path absolute, relative to the working directory."""
    return None if value is None else cwd / value


def object_prefix(text: str) -> str:
    """Read what object names begin with; slashes around it are dropped.

    Raises:
        ValueError: it holds an empty, `.` or `..` segment.
    """
    prefix = text.strip("/")
    if any(segment in {"", ".", ".."} for segment in prefix.split("/")) and prefix:
        raise ValueError("holds an empty, . or .. segment")
    return prefix
