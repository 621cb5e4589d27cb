"""Who the bytes come from: trusted proxies, the client's address, the public address (contract 1.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from backup_repository.config.model import Network

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_OWN_PORT = re.compile(r":[0-9]*\Z", re.ASCII)
"""What follows the name in a `Host`."""


def is_trusted(request: Request, networks: Sequence[Network]) -> bool:
    """Whether the peer is a trusted proxy or a Unix socket."""
    if request.client is not None:
        return _lies_in(request.client.host, networks)
    server = request.scope.get("server")
    # a peer that hung up has no address either, but then our own end still has a port
    return server is not None and server[1] is None


def client_address(request: Request, networks: Sequence[Network]) -> str:
    """Return the client's address: behind trusted proxies the right-most forwarded entry that is not itself trusted.

    Reading from the right stops at the first entry that is no address; the last good one counts. Over a Unix socket
    without forwarded entries the address is empty.
    """
    address = _plain(request.client.host) if request.client is not None else ""
    if not is_trusted(request, networks):
        return address
    for entry in reversed(",".join(request.headers.getlist("x-forwarded-for")).split(",")):
        try:
            ip_address(entry.strip())
        except ValueError:
            break
        address = _plain(entry.strip())
        if not _lies_in(address, networks):
            break
    return address


def base_url(request: Request, configured: str, networks: Sequence[Network]) -> str:
    """Return the public address without trailing slash: the configured one, else what the request says."""
    if configured:
        return configured
    trusted = is_trusted(request, networks)

    def forwarded(name: str) -> str:
        return request.headers.get(f"x-forwarded-{name}", "").split(",")[0].strip() if trusted else ""

    proto = forwarded("proto").lower()
    scheme = proto if proto in _DEFAULT_PORTS else request.url.scheme
    host = forwarded("host") or request.headers.get("host", "")
    port = forwarded("port")
    if _PORT.fullmatch(port):
        name = _OWN_PORT.sub("", host)
        host = name if _DEFAULT_PORTS.get(scheme) == int(port) else f"{name}:{int(port)}"
    prefix = forwarded("prefix").strip("/")
    return f"{scheme}://{host}" + (f"/{prefix}" if prefix else "")


def _plain(address: str) -> str:
    """Write an IPv4-mapped IPv6 address as IPv4."""
    parsed = ip_address(address) if ":" in address else None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return address if mapped is None else str(mapped)


def _lies_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(_plain(address))
    except ValueError:
        return False
    return any(parsed in network for network in networks)
