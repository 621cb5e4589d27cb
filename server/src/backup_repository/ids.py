"""Identifiers: UUIDs in the 8-4-4-4-12 form, kept in lower case (contract 5.2, 13)."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def parse_uuid(text: str) -> str:
    """Return the UUID in lower case, as it is stored.

    Raises:
        ValueError: the text is no UUID of the form 8-4-4-4-12.
    """
    if _UUID.fullmatch(text) is None:
        raise ValueError("not a UUID")
    return text.lower()
