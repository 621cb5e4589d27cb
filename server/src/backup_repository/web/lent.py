"""What the API's door knows and the web console needs; `main.py` hands it over, as the two do not know each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from backup_repository.config.model import Network
from backup_repository.instance import Instance
from backup_repository.versions.model import Version


@dataclass(frozen=True, slots=True)
class Lent:
    """Functions on requests, borrowed from the API."""

    client_address: Callable[[Request, Sequence[Network]], str]
    """Where a request comes from (contract 1.7)."""
    base_url: Callable[[Request, str, Sequence[Network]], str]
    """The public address without trailing slash: the configured one, else what the request says."""
    content: Callable[[Request, Instance, Version], Awaitable[Response]]
    """The bytes of a version as an answer (contract 8.7)."""
