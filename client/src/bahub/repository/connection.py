"""How the server is reached: TLS, proxies, time-outs, the token, and patience while nothing was sent yet.

* Certificates are checked against `ca_file`, else against the system's; `insecure_tls` checks nothing.
* The proxies of the environment (`HTTPS_PROXY`, `NO_PROXY` …) are used, as every other program on the machine does;
  nothing else is taken from it.
* No redirect is followed and no content coding is asked for.
* A failure before the first body byte is tried again: `TRIES` times in all, with growing, jittered pauses.
"""

from __future__ import annotations

import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TypeAlias, TypeVar

import httpx

from bahub.config.model import Access
from bahub.errors import Failed, Misconfigured, Problem

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
Pause: TypeAlias = Callable[[float], object]
"""Waits so many seconds; raises when waiting has become pointless."""

TRIES = 5
"""How often connecting is tried."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
"""Seconds; each pause is twice the one before, give or take a quarter."""


class Connection:
    """One access, ready to be asked."""

    def __init__(self, access: Access, pause: Pause = time.sleep) -> None:
        self.access = access
        self.pause = pause
        self._context = _tls(access)

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Give a client with connections of its own, closed afterwards.

        Raises:
            Failed: the environment names a proxy that cannot be used.
        """
        access = self.access
        try:
            client = httpx.Client(
                verify=self._context,
                trust_env=True,
                follow_redirects=False,
                timeout=httpx.Timeout(access.read_timeout, connect=access.connect_timeout, pool=None),
                headers={
                    "Authorization": f"Bearer {access.token.reveal()}",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"bahub/{version('bahub')}",
                },
            )
        except (ValueError, ImportError) as error:
            raise Failed(f"a proxy in the environment cannot be used: {error}") from error
        with client:
            yield client

    def collection_url(self, collection_id: str, *more: str) -> str:
        """Return the address of a collection, or of something below it."""
        return "/".join((self.access.url.rstrip("/"), "api/stable/repository/collection", collection_id, *more))

    def patiently(self, ask: Callable[[], T], *, worth: Callable[[httpx.TransportError], bool]) -> T:
        """Ask, and ask again after failures that are worth it.

        Raises:
            httpx.TransportError: it was not worth it, or five tries failed.
        """
        for attempt in range(1, TRIES):
            try:
                return ask()
            except httpx.TransportError as error:
                if not worth(error):
                    raise
                seconds = pause_before(attempt)
                _LOG.warning("%s; trying again in %.0f s", self.unreachable(error).message, seconds)
            self.pause(seconds)
        return ask()

    def unreachable(self, error: httpx.TransportError) -> Failed:
        """Put a failure of the network into a sentence."""
        url = httpx.URL(self.access.url)
        place = f"{url.scheme}://{url.netloc.decode()}"
        reason = words(error)
        if isinstance(error, httpx.TimeoutException):
            return Failed(f"{place} did not answer in time ({type(error).__name__})")
        if is_untrusted(error):
            hint = "set `ca_file` of the access to the certificate that signed it"
            return Failed(f"the certificate of {place} is not trusted: {reason}", hint=hint)
        return Failed(f"{place} cannot be reached: {reason}")


def pause_before(attempt: int) -> float:
    """Return how many seconds to wait after so many failures in a row."""
    steady = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1))
    return steady * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret


def words(error: Exception) -> str:
    """Return what an error says, or at least what it is."""
    return str(error) or type(error).__name__


def is_untrusted(error: httpx.TransportError) -> bool:
    """Whether the other side's certificate was refused; asking again does not change it."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if access.ca_file is None else str(access.ca_file))
    except (OSError, ssl.SSLError) as error:
        problem = Problem(f"accesses.{access.name}.ca_file", f"{access.ca_file} holds no certificates: {error}")
        raise Misconfigured([problem]) from error
    if access.insecure_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
