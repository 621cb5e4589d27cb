"""An SQLite database as it passes: the header, and the length that follows from its page count."""

from __future__ import annotations

from bahub.errors import Tampered

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_SMALLEST, _LARGEST = 512, 65536


class Sqlite:
    """Looks at the file of an SQLite database."""

    def __init__(self) -> None:
        self._header = b""
        self._size = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            Tampered: they are no SQLite database.
        """
        self._size += len(block)
        if len(self._header) < _HEADER:
            self._header += block[: _HEADER - len(self._header)]
            if not self._header.startswith(_MAGIC[: len(self._header)]):
                raise Tampered("no SQLite database: its first bytes are something else")

    def finish(self) -> str:
        """Say how many pages there were.

        Raises:
            Tampered: the header is damaged, or the length does not fit it.
        """
        header = self._header
        if len(header) < _HEADER:
            raise Tampered("the SQLite database breaks off in its header")
        page = int.from_bytes(header[16:18])
        page = _LARGEST if page == 1 else page
        if not _SMALLEST <= page <= _LARGEST or page & (page - 1):
            raise Tampered("the header of the SQLite database is damaged")
        pages, rest = divmod(self._size, page)
        # Writers before version 3.7 leave the count alone; then the two counters of changes differ.
        counted = int.from_bytes(header[28:32]) if header[24:28] == header[92:96] else 0
        if rest or (counted and counted != pages):
            raise Tampered(f"the SQLite database has {self._size} bytes, which does not fit its {counted or '?'} pages")
        return f"SQLite database, {pages} pages"
