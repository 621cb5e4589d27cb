"""Ranges and conditions of downloads (RFC 9110 sections 13 and 14, contract 8.7). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.datastructures import Headers

from backup_repository.api.errors import ProtocolRefusal, RangeNotSatisfiable

_RANGE = re.compile(r"bytes=([0-9]{0,4000})-([0-9]{0,4000})", re.ASCII | re.IGNORECASE)
"""As many digits as Python likes to read as one number."""
_TAG = re.compile(r'(?:W/)?"[^"]*"', re.ASCII)


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes from start up to, not including, end."""

    start: int
    end: int


def http_date(moment: datetime) -> str:
    """Write a moment as an HTTP date."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def not_modified(headers: Headers, etag: str, modified: datetime) -> bool:
    """Whether the client has the representation already (304), after the preconditions held.

    Args:
        headers: of the request.
        etag: the strong entity tag, in quotes.
        modified: when the representation was made.

    Raises:
        ProtocolRefusal: `If-Match` or `If-Unmodified-Since` fails (412).
    """
    modified = modified.replace(microsecond=0)
    wanted = _joined(headers, "if-match")
    if wanted is not None:
        if wanted.strip() != "*" and etag not in _TAG.findall(wanted):
            raise ProtocolRefusal(412, "The version is not the one that was asked for")
    elif (unmodified_since := _date(headers.get("if-unmodified-since"))) and modified > unmodified_since:
        raise ProtocolRefusal(412, "The version was made later than asked for")
    known = _joined(headers, "if-none-match")
    if known is not None:
        return known.strip() == "*" or etag in (tag.removeprefix("W/") for tag in _TAG.findall(known))
    modified_since = _date(headers.get("if-modified-since"))
    return modified_since is not None and modified <= modified_since


def wanted_slice(headers: Headers, size: int, etag: str, modified: datetime) -> Slice | None:
    """Return the one range that is asked for and may be used; None: the whole representation.

    Raises:
        RangeNotSatisfiable: the range lies beyond the representation.
    """
    text = _joined(headers, "range")
    condition = headers.get("if-range")
    if text is None or (condition is not None and condition.strip() not in {etag, http_date(modified)}):
        return None
    unit, _, members = text.strip().partition("=")  # no space belongs around the sign, only between list members
    wanted = [member.strip() for member in members.split(",") if member.strip()]
    match = _RANGE.fullmatch(f"{unit}={wanted[0]}") if len(wanted) == 1 else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return _from_to(int(first), int(last) if last else size - 1, size, open_ended=not last)
    return _suffix(int(last), size) if last else None


def _from_to(start: int, last: int, size: int, *, open_ended: bool) -> Slice | None:
    if start >= size:
        if not open_ended and last < start:
            return None
        raise RangeNotSatisfiable(size)
    return None if last < start else Slice(start, min(last + 1, size))


def _suffix(length: int, size: int) -> Slice:
    if length == 0:
        raise RangeNotSatisfiable(size)
    return Slice(max(0, size - length), size)


def _joined(headers: Headers, name: str) -> str | None:
    lines = headers.getlist(name)
    return ",".join(lines) if lines else None


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
