"""A Redis snapshot as it passes: the header, and the checksum at its end."""

from __future__ import annotations

from bahub.adapters.content.crc64 import crc64
from bahub.errors import Tampered

_MAGIC = b"REDIS"
_HEADER = 9
_CHECKED_SINCE = 5
"""The first version of the format that ends with a checksum."""
_PIECE = 1 << 18
"""Bytes that are summed at a time: always as many, as `crc64` likes it."""
_END_MARK = 0xFF
_SUM = 8


class Rdb:
    """Looks at a snapshot of Redis or of one of its relatives."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._crc = 0
        self._size = 0
        self._version = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            Tampered: they are no snapshot.
        """
        self._pending += block
        self._size += len(block)
        if not self._version and len(self._pending) >= _HEADER:
            self._version = _version(bytes(self._pending[:_HEADER]))
        position = 0
        while len(self._pending) - position > _PIECE + _SUM:
            self._crc = crc64(bytes(self._pending[position : position + _PIECE]), self._crc)
            position += _PIECE
        del self._pending[:position]

    def finish(self) -> str:
        """Say which version of the format it was.

        Raises:
            Tampered: the end mark is missing, or the checksum is another.
        """
        if not self._version:
            raise Tampered("no Redis snapshot: its first bytes are something else")
        summed = _SUM if self._version >= _CHECKED_SINCE else 0
        body = bytes(self._pending[: len(self._pending) - summed])
        if self._size <= _HEADER + summed or body[-1:] != bytes([_END_MARK]):
            raise Tampered("the Redis snapshot breaks off: its end mark is missing")
        told = int.from_bytes(self._pending[-_SUM:], "little") if summed else 0
        # A server with `rdbchecksum no` writes 0 instead.
        if told and crc64(body, self._crc) != told:
            raise Tampered("the checksum of the Redis snapshot is another: it is damaged")
        checked = "checksum right" if told else "without a checksum"
        return f"Redis snapshot of version {self._version}, {self._size} bytes, {checked}"


def _version(header: bytes) -> int:
    digits = header[len(_MAGIC) :]
    if not header.startswith(_MAGIC) or not digits.isdigit() or not int(digits):
        raise Tampered("no Redis snapshot: its first bytes are something else")
    return int(digits)
