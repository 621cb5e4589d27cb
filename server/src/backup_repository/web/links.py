"""Addresses inside the web console: below the public path prefix, and the session's scheme."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request

from backup_repository.config.model import Config
from backup_repository.web.lent import Lent


@dataclass(frozen=True, slots=True)
class Links:
    """Where the web console is, seen from a browser."""

    base: str
    """The public address without trailing slash, for lines that people copy."""
    prefix: str
    """The path that stands before every address; mostly empty."""
    secure: bool
    """Whether this request came over https."""
    origins: frozenset[str]
    """What `Origin` may say of our own pages."""

    @classmethod
    def of(cls, request: Request, config: Config, lent: Lent) -> Links:
        """Find out, as the API does."""
        seen = lent.base_url(request, "", config.trusted_proxies)
        base = lent.base_url(request, config.base_url, config.trusted_proxies)
        return cls(
            base=base,
            prefix=urlsplit(base).path.rstrip("/"),
            secure=seen.startswith("https://"),
            origins=frozenset(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in (seen, base)),
        )

    def to(self, path: str, **query: object) -> str:
        """Return the address of a path below the console; empty values are left out of the query."""
        wanted = {name: value for name, value in query.items() if value not in (None, "", ())}
        return f"{self.prefix}{quote(path)}" + (f"?{urlencode(wanted)}" if wanted else "")
