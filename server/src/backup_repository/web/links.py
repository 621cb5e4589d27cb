"""Addresses inside the web console: below the public path prefix, and the session's scheme."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlencode, urlsplit

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
        urls = [_split(url) for url in (seen, base)]
        return cls(
            base=base,
            prefix=_prefix(urls[-1].path),
            secure=urls[0].scheme == "https",
            origins=frozenset(f"{url.scheme}://{url.netloc}" for url in urls),
        )

    def to(self, path: str, **query: object) -> str:
        """Return the address of a path below the console; empty values are left out of the query."""
        wanted = {name: value for name, value in query.items() if value not in (None, "", ())}
        return f"{self.prefix}{quote(path)}" + (f"?{urlencode(wanted)}" if wanted else "")


def _split(url: str) -> SplitResult:
    """Take an address apart that may be made of what a request says; nonsense has no parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _prefix(path: str) -> str:
    """Write a path prefix so that what begins with it stays on this server, whoever has given it."""
    plain = quote(path.replace("\\", "/").strip("/"), safe="/%")
    return f"/{plain}" if plain else ""
