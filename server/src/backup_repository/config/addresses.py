"""Addresses in settings: of this service, of the database, of object stores, of the error collector."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

_HOST = r"(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?)"
_HTTP_URL = re.compile(
    rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:/[a-z0-9._~!$&'()*+,;=:@%/-]*)?", re.IGNORECASE | re.ASCII
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_SQLITE = "sqlite:///"


def http_url(text: str) -> str:
    """Check an absolute http or https URL, a path allowed, and return it without trailing slash.

    Raises:
        ValueError: it is no such URL, or holds a name, a password, a query or a fragment.
    """
    if _HTTP_URL.fullmatch(text) is None:
        raise ValueError("is not an absolute http or https URL without user name, query and fragment")
    _split(text)
    return text.rstrip("/")


def database_url(text: str) -> str:
    """Check the address of the database; `postgres://` becomes `postgresql://`.

    Raises:
        ValueError: the scheme is unknown, or no file or no database is named. The text is secret and not repeated.
    """
    if _UNPRINTABLE.search(text):
        raise ValueError("holds a space or a control character")
    scheme, separator, rest = text.partition("://")
    match scheme.lower() if separator else "":
        case "sqlite":
            return _sqlite_url(f"sqlite://{rest}")
        case "postgres" | "postgresql":
            return _postgresql_url(f"postgresql://{rest}")
        case _:
            raise ValueError("is not the address of a known kind of database")


def _sqlite_url(url: str) -> str:
    if not url.startswith(_SQLITE) or "#" in url:
        raise ValueError("names no SQLite file after three or four slashes")
    if sqlite_file(url).name in {"", ".", "..", ":memory:"} or url.partition("?")[0].endswith("/"):
        raise ValueError("names no SQLite file")
    return url


def _postgresql_url(url: str) -> str:
    parts = _split(url)
    if parts.path in {"", "/"}:
        raise ValueError("names no database")
    return url


def sqlite_file(url: str) -> Path:
    """Return the file of a `sqlite:///` address."""
    return Path(unquote(url.removeprefix(_SQLITE).partition("?")[0]))


def is_sqlite(url: str) -> bool:
    """Whether the address is one of a SQLite file."""
    return url.startswith(_SQLITE)


def database_below(url: str, cwd: Path) -> str:
    """Make the file of a SQLite address absolute; leave any other address alone."""
    if not is_sqlite(url) or sqlite_file(url).is_absolute():
        return url
    _, separator, query = url.partition("?")
    return f"{_SQLITE}{quote(str(cwd / sqlite_file(url)))}{separator}{query}"


def error_collector(text: str) -> str:
    """Check a DSN, `https://<key>@<host>/<project>`.

    Raises:
        ValueError: it is none. The text is secret and not repeated.
    """
    if _UNPRINTABLE.search(text):
        raise ValueError("holds a space or a control character")
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.username or not parts.hostname:
        raise ValueError("is not a DSN")
    if not parts.path.rpartition("/")[2]:
        raise ValueError("names no project")
    return text


def _split(text: str) -> SplitResult:
    """Split a URL, port included; the library's own sentences may quote the text and are replaced."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if port == 0:
        raise ValueError("names port 0")
    return parts
