"""Bodies of forms, as browsers and curl send them, and as they should not."""

from __future__ import annotations

BOUNDARY = "a-boundary-of-our-own"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
"""The header that goes with `form`."""


def text_part(name: str, value: str) -> bytes:
    """Write a field that is no file."""
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def file_part(content: bytes, *, name: str = "file", filename: str = "backup.gz") -> bytes:
    """Write a field that is a file."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content


def form(*parts: bytes, closed: bool = True) -> bytes:
    """Put parts into a form; one that is not closed lacks its last boundary."""
    begun = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts)
    return begun + (b"--%s--\r\n" % BOUNDARY.encode() if closed else b"")
