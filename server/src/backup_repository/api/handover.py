"""Downloads whose bytes a trusted proxy sends by itself, so that they do not pass through this process.

The application's NGINX announces what it can do, in headers that it never takes from a client:

* `X-Internal-Sendfile: /internal-storage/`: it serves the directory of a local storage (contract B 4.2).
* `X-Internal-Objects: CLOUD`: it fetches objects of the storages of these names (a comma list) by a signed address.

The answer then names the blob in place of its bytes. Of an object NGINX is told the address and the range, for it knows
neither our entity tags nor our conditions; which host the address belongs to stands in NGINX's own configuration. What
NGINX would keep of this answer whatever the next one is, it gets under another name: a store that fails is followed by
an answer of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request

from backup_repository.api.peer import is_trusted
from backup_repository.api.ranges import Slice
from backup_repository.instance import Instance
from backup_repository.versions.model import Version

_FILES = "/internal-storage/"
"""The location under which the application's NGINX serves a local storage."""
_OBJECTS = "/internal-objects/"
"""Begins the locations under which it fetches objects; a name of a storage follows."""

_SIMPLE_RANGE = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})", re.ASCII)
"""A range that NGINX understands as we do; it takes no longer numbers."""

_WRITTEN_BY_NGINX = frozenset({"Accept-Ranges"})
"""It would keep ours beside its own."""
_KEPT_BY_NGINX = frozenset({"Content-Disposition", "Cache-Control"})

_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


async def handed_over(
    request: Request, instance: Instance, version: Version, part: Slice | None, headers: Mapping[str, str]
) -> Mapping[str, str] | None:
    """Return the headers of an answer that lets a trusted proxy send the bytes; None: it does not offer to, or cannot.

    Args:
        request: a GET or HEAD that is to be answered 200 or 206.
        instance: knows whom to trust, and where the bytes are.
        version: what is sent.
        part: the bytes that the answer has; None: all of them.
        headers: what the client is to get.

    Raises:
        StorageError: the blob is missing or the storage is out of reach.
    """
    if not is_trusted(request, instance.config.trusted_proxies):
        return None
    if _serves_files(request, part):
        path = await instance.downloads.accelerated(version)
        if path is not None:
            return _without(_WRITTEN_BY_NGINX, headers) | {"X-Accel-Redirect": _FILES + path}
    stores = _stores(request)
    if not stores or request.method == "HEAD":  # an address is signed for GET
        return None
    address = await instance.downloads.signed(version, stores, in_part=part is not None)
    if address is None:
        return None
    ours = _without(_WRITTEN_BY_NGINX | _KEPT_BY_NGINX, headers)
    ours |= {f"X-Internal-{name}": headers[name] for name in _KEPT_BY_NGINX}
    ours |= {"X-Accel-Redirect": _OBJECTS + address.storage, "X-Internal-Object": address.target}
    return ours if part is None else ours | {"X-Internal-Range": f"bytes={part.start}-{part.end - 1}"}


def _without(names: frozenset[str], headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def _serves_files(request: Request, part: Slice | None) -> bool:
    """Whether the proxy serves files and would come to the same status and range as we did."""
    headers = request.headers
    if headers.get("x-internal-sendfile") != _FILES or any(name in headers for name in _CONDITIONS):
        return False
    wanted = headers.get("range")
    return wanted is None or (part is not None and _SIMPLE_RANGE.fullmatch(wanted) is not None)


def _stores(request: Request) -> frozenset[str]:
    names = ",".join(request.headers.getlist("x-internal-objects")).split(",")
    return frozenset(filter(None, map(str.strip, names)))
