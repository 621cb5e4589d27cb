"""What arrived with an upload: a byte stream, a form part, or a file NGINX already landed (contract 8.2, 8.3).

Nothing is read before `accept` has looked at the headers; then the bytes come in chunks of bounded size, each awaited
for a bounded time. A body that breaks off raises and is never taken for a whole one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence

from starlette.requests import Request

from backup_repository.api.errors import ProtocolRefusal
from backup_repository.api.integrity import sha256_digests
from backup_repository.api.multipart import boundary_of, file_part
from backup_repository.api.peer import is_trusted
from backup_repository.config.model import Network
from backup_repository.errors import BadUpload
from backup_repository.versions.landing import LandingDirectory
from backup_repository.versions.upload import Arrival

_MULTIPART_SLACK = 64 * 1024
"""How much a form around a file may add before its announced length is refused unread (contract 8.4)."""

_FILE_BLOCK = 256 * 1024
_HANDOVER_NAMES = frozenset({"versions"})
"""The only spelling of the path on which a proxy hands files over (contract 8.2)."""


class IncomingBody:
    """The body of one upload request."""

    def __init__(
        self,
        request: Request,
        *,
        naming: str,
        landing: LandingDirectory,
        trusted: Sequence[Network],
        idle_seconds: float,
    ) -> None:
        self._request = request
        self._naming = naming
        self._landing = landing
        self._trusted = trusted
        self._idle_seconds = idle_seconds

    @contextlib.contextmanager
    def accept(self) -> Iterator[Arrival]:
        """Look at the headers and open what they name, without reading the body.

        Raises:
            BadUpload: the proxy's file is not acceptable (42023), an integrity header cannot be read (42024), or
                nothing will come (42009, for forms 42008).
            ProtocolRefusal: a transfer coding other than `chunked` (400).
        """
        with contextlib.ExitStack() as stack:
            landed = self._landed_file(stack)
            digests = sha256_digests(self._request.headers)
            boundary = boundary_of(self._request.headers.get("content-type", ""))
            announced = self._announced() if landed is None else os.fstat(landed).st_size
            if announced == 0:
                problem = "The upload is empty" if boundary is None else "The form has no file part"
                raise BadUpload(problem, 42009 if boundary is None else 42008)
            body = self._stream(is_form=boundary is not None) if landed is None else _file_chunks(landed)
            yield Arrival(
                chunks=body if boundary is None else file_part(body, boundary),
                announced=announced,
                slack=0 if boundary is None else _MULTIPART_SLACK,
                digests=digests,
                landed=landed if boundary is None else None,
            )

    def _landed_file(self, stack: contextlib.ExitStack) -> int | None:
        names = self._request.headers.getlist("x-internal-filename")
        if not names:
            return None
        if len(names) > 1 or self._naming not in _HANDOVER_NAMES or not is_trusted(self._request, self._trusted):
            raise BadUpload("A body file was named by somebody who may not hand one over", 42023)
        return stack.enter_context(self._landing.open(names[0]))

    def _announced(self) -> int | None:
        length = self._request.headers.get("content-length")
        if length is not None:
            return int(length)
        codings = ",".join(self._request.headers.getlist("transfer-encoding")).lower()
        if codings.strip() not in {"", "chunked"}:  # the HTTP server takes off the last one only
            raise ProtocolRefusal(400, "The only transfer coding that is understood is chunked")
        return None if codings else 0

    async def _stream(self, *, is_form: bool) -> AsyncIterator[bytes]:
        if self._request.headers.get("expect", "100-continue").lower() != "100-continue":
            raise ProtocolRefusal(417, "The only expectation that is understood is 100-continue")
        more = True
        while more:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    message = await self._request.receive()
            except TimeoutError as error:
                raise ProtocolRefusal(408, "The upload paused for too long") from error
            if message["type"] == "http.disconnect":
                raise BadUpload("The upload broke off", 42008 if is_form else 42009)
            chunk, more = message.get("body", b""), message.get("more_body", False)
            # Nobody who waits for the next chunk holds the last one, unlike Starlette's own `stream`: with 200 slow
            # uploads that would be 13 MB.
            del message
            if chunk:
                yield chunk
            del chunk


async def _file_chunks(descriptor: int) -> AsyncIterator[bytes]:
    offset = 0
    while chunk := await asyncio.to_thread(os.pread, descriptor, _FILE_BLOCK, offset):
        offset += len(chunk)
        yield chunk
