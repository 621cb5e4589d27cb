"""Integrity headers of uploads (contract 8.3, RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import re

from starlette.datastructures import Headers

from backup_repository.errors import BadUpload

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)(?:=([^,;]*))?(?:;[^,]*)?[ \t]*", re.ASCII)
"""One member of an RFC 8941 dictionary, as far as digests need it."""
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):[ \t]*", re.ASCII)
_SHA256_BYTES = 32


def sha256_digests(headers: Headers) -> tuple[str, ...]:
    """Return every SHA-256 that the headers give, as lower-case hex; other algorithms are ignored.

    Raises:
        BadUpload: a header is there but cannot be read (42024).
    """
    found: list[str] = []
    for name in ("repr-digest", "content-digest"):
        lines = headers.getlist(name)
        if lines:
            found += _dictionary_digests(",".join(lines))
    for value in headers.getlist("x-checksum-sha256"):
        if _HEX.fullmatch(value.strip().lower()) is None:
            raise _unreadable()
        found.append(value.strip().lower())
    return tuple(found)


def digest_header(sha256: str) -> str:
    """Write a digest as `Repr-Digest` carries it."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def _dictionary_digests(text: str) -> list[str]:
    members: dict[str, str] = {}
    for part in text.split(","):
        match = _MEMBER.fullmatch(part)
        if match is None:
            raise _unreadable()
        members[match[1]] = match[2] or ""
    if "sha-256" not in members:
        return []
    encoded = _BYTES.fullmatch(members["sha-256"])
    if encoded is None:
        raise _unreadable()
    try:
        digest = base64.b64decode(encoded[1], validate=True)
    except binascii.Error as error:
        raise _unreadable() from error
    if len(digest) != _SHA256_BYTES:
        raise _unreadable()
    return [digest.hex()]


def _unreadable() -> BadUpload:
    return BadUpload("The integrity header cannot be read", 42024)
