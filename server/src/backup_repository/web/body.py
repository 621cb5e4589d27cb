"""What a form sent: `application/x-www-form-urlencoded`, bounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from backup_repository.errors import MalformedRequest

_MOST_BYTES = 1024 * 1024
_MOST_FIELDS = 2000
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Fields:
    """A form's fields in order; a name may come several times."""

    pairs: tuple[tuple[str, str], ...] = ()

    def text(self, name: str) -> str:
        """Return a field with line breaks as the domain keeps them; empty when it is missing."""
        found = [value for key, value in self.pairs if key == name]
        return found[-1].replace("\r\n", "\n") if found else ""

    def every(self, name: str) -> tuple[str, ...]:
        """Return every value of a name."""
        return tuple(value for key, value in self.pairs if key == name)

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the lines of a field, without empty ones and white space around."""
        return tuple(line.strip() for line in self.text(name).splitlines() if line.strip())

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.text(name) != ""


async def read_form(request: Request) -> Fields:
    """Read a form.

    Raises:
        MalformedRequest: it is too slow, broken off, or no form.
        HTTPException: it is too large (413).
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise HTTPException(413, "This form is too large")
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (TimeoutError, ClientDisconnect, ValueError) as error:
        raise MalformedRequest("This form could not be read") from error
    if any("\0" in text for pair in pairs for text in pair):
        raise MalformedRequest("This form could not be read")
    return Fields(tuple(pairs))
