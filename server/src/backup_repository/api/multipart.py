"""The file part of a form (contract 8.2): the first part with a file name, whatever its field is called."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from backup_repository.errors import BadUpload

_MAX_HEADER = 16 * 1024
_EXTENDED = re.compile(r"filename\*=", re.IGNORECASE)


def boundary_of(content_type: str) -> str | None:
    """Return the boundary of a form; None when the body is no form; empty when a form names none."""
    media_type, options = parse_options_header(content_type)  # type: ignore[no-untyped-call] # (str, dict[str, str])
    return options.get("boundary", "") if media_type == "multipart/form-data" else None


async def file_part(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[bytes]:
    """Stream the bytes of the form's file part; the other parts are read and skipped.

    Raises:
        BadUpload: the form has no complete file part, or no closing boundary (42008).
    """
    found, inside = False, False
    try:
        # latin-1 reads any header; names are only looked for, never used
        with PushMultipartParser(
            boundary, max_header_size=_MAX_HEADER, max_header_count=32, header_charset="latin-1"
        ) as parser:
            async for chunk in body:
                if parser.closed:
                    continue  # an epilogue, which RFC 2046 says to ignore
                for event in parser.parse(chunk):
                    if isinstance(event, MultipartSegment):
                        inside = not found and _has_filename(event)
                        found = found or inside
                    elif event is None:
                        inside = False
                    elif inside:
                        yield bytes(event)
    except MultipartError as error:
        raise BadUpload("The form is broken or incomplete", 42008) from error
    if not found:
        raise BadUpload("The form has no file part", 42008)


def _has_filename(segment: MultipartSegment) -> bool:
    # the parser drops parameters with a star, which some clients send alone for names beyond ASCII
    disposition = _EXTENDED.sub("filename=", str(segment.header("Content-Disposition", "")))
    _, options = parse_options_header(disposition)  # type: ignore[no-untyped-call] # (str, dict[str, str])
    return "filename" in options
