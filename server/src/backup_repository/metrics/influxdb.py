"""The report as one line of InfluxDB's line protocol (contract 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MEASUREMENT = "backup_repository_report"
"""The name of the line's measurement."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def line(tags: Mapping[str, str], fields: Mapping[str, int], now: datetime) -> str:
    """Write one line, ended by a line feed; the order of tags and fields is kept."""
    shown_tags = "".join(f",{name}={_escaped(value)}" for name, value in tags.items())
    shown_fields = ",".join(f"{name}={value}" for name, value in fields.items())
    nanoseconds = (now - _EPOCH) // timedelta(microseconds=1) * 1000
    return f"{MEASUREMENT}{shown_tags} {shown_fields} {nanoseconds}\n"


def _escaped(value: str) -> str:
    for character in ",= ":
        value = value.replace(character, f"\\{character}")
    return value
