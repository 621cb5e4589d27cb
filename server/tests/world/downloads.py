"""Ways to ask for a version of 100161 bytes, and what every answer promises (contract 8.7)."""

from __future__ import annotations

from world.wire import Answer

SIZE = 100_161
PROMISED = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Accept-Ranges",
    "ETag",
    "Repr-Digest",
    "Last-Modified",
    "Cache-Control",
    "X-Content-Type-Options",
    "Content-Encoding",
)

REQUESTS: dict[str, dict[str, str]] = {
    "whole": {},
    "wants it compressed": {"Accept-Encoding": "gzip, br"},
    "first bytes": {"Range": "bytes=0-9"},
    "middle": {"Range": "bytes=100-107"},
    "to the end": {"Range": "bytes=100100-"},
    "last bytes": {"Range": "bytes=-50"},
    "all of it": {"Range": "bytes=0-"},
    "end beyond the file": {"Range": "bytes=0-999999"},
    "end far beyond the file": {"Range": "bytes=0-99999999999999999999"},
    "suffix beyond the file": {"Range": "bytes=-999999"},
    "unit in another case": {"Range": "Bytes=3-5"},
    "beyond the file": {"Range": "bytes=100161-"},
    "no last bytes": {"Range": "bytes=-0"},
    "two ranges": {"Range": "bytes=0-1,5-6"},
    "an empty member": {"Range": "bytes=0-1,"},
    "another unit": {"Range": "items=0-1"},
    "last before first": {"Range": "bytes=9-3"},
    "malformed": {"Range": "bytes=x"},
    "if it is this version": {"Range": "bytes=5-9", "If-Range": "ETAG"},
    "if it is another version": {"Range": "bytes=5-9", "If-Range": '"0123"'},
    "if it is this version, weakly": {"Range": "bytes=5-9", "If-Range": "W/ETAG"},
    "if it is of this date": {"Range": "bytes=5-9", "If-Range": "DATE"},
    "if it is of another date": {"Range": "bytes=5-9", "If-Range": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "if it is of no date": {"Range": "bytes=5-9", "If-Range": "yesterday"},
    "unless it is this version": {"If-None-Match": "ETAG"},
    "unless it is another version": {"If-None-Match": '"0123"'},
    "unless it is any version": {"If-None-Match": "*"},
    "unless it is as old": {"If-Modified-Since": "DATE"},
    "unless it is older": {"If-Modified-Since": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "only if it is this version": {"If-Match": "ETAG"},
    "only if it is another version": {"If-Match": '"0123"'},
    "only if it is as old": {"If-Unmodified-Since": "DATE"},
    "only if it is older": {"If-Unmodified-Since": "Tue, 15 Nov 1994 12:45:26 GMT"},
    "a range of this version only": {"Range": "bytes=1-2", "If-Match": "ETAG"},
}
"""`ETAG` and `DATE` stand for those of the version."""


def asking(request_name: str, *, etag: str, date: str) -> dict[str, str]:
    """Give the headers of one way."""
    headers = REQUESTS[request_name]
    return {name: value.replace("ETAG", etag).replace("DATE", date) for name, value in headers.items()}


def promised(answer: Answer) -> dict[str, list[str] | None]:
    """Everything section 8.7 promises, with the number of times each header came."""
    return {name: answer.headers.get_all(name) for name in PROMISED}
