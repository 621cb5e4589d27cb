"""Sizes: "1.5GB" ⇄ bytes (contract 6.2 for reading, 1.2 for writing)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

MAX_SIZE = 2**63 - 1
"""The largest size in bytes that is accepted."""

_PREFIXES = ("k", "m", "g", "t", "p", "e", "z", "y")
_UNITS = (
    {"": 1, "b": 1}
    | {f"{prefix}b": 1000 ** (power + 1) for power, prefix in enumerate(_PREFIXES)}
    | {f"{prefix}ib": 1024 ** (power + 1) for power, prefix in enumerate(_PREFIXES)}
)
_SIZE = re.compile(r"\s*([0-9]+)(?:\.([0-9]+))?\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)
_SHOWN_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_MAX_LENGTH = 100


def parse_size(text: str) -> int:
    """Read a size such as `1.5GB`, `10 MiB` or `1024` and return whole bytes; fractions are cut.

    Raises:
        ValueError: the text is no size, is above 2^63-1, or is a non-zero amount that cuts to 0 bytes.
    """
    match = _SIZE.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError("not a size")
    whole, fraction, unit = match.groups()
    factor = _UNITS.get(unit.lower())
    if factor is None:
        raise ValueError("unknown unit")
    digits = fraction or ""
    exact = int(whole + digits) * factor
    size: int = exact // 10 ** len(digits)
    if size > MAX_SIZE:
        raise ValueError("too large")
    if size == 0 and exact != 0:
        raise ValueError("less than one byte")
    return size


def format_size(size: int) -> str:
    """Write a number of bytes for people: the largest decimal unit in which it is at least 1, as `1.02kB`."""
    power = 0
    while power < len(_SHOWN_UNITS) - 1 and size >= 1000 ** (power + 1):
        power += 1
    if power == 0:
        return f"{size}B"
    amount = (Decimal(size) / Decimal(1000**power)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{amount}{_SHOWN_UNITS[power]}"
