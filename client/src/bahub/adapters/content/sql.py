"""SQL dumps as they pass: what they are a dump of, and the closing line without which they are not whole."""

from __future__ import annotations

import re

from bahub.errors import Tampered

_KEPT = 4096
"""Bytes of either end that are looked at."""


class _Ends:
    """Keeps the beginning and the end of what passes."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._judged = False

    def feed(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            Tampered: the beginning is that of something else.
        """
        if len(self._head) < _KEPT:
            self._head += block[: _KEPT - len(self._head)]
        self._tail = (self._tail + block[-_KEPT:])[-_KEPT:]
        if not self._judged and len(self._head) == _KEPT:
            self._judged = True
            self._judge(self._head)

    def _judge(self, head: bytes) -> None:
        raise NotImplementedError

    def _last_lines(self) -> list[bytes]:
        """Return the last lines that say something."""
        if not self._judged:
            self._judge(self._head)
        return [line for line in self._tail.splitlines() if line.strip(b"- ") and not line.startswith(b"\\unrestrict ")]


class PostgresDump(_Ends):
    """Looks at what `pg_dump` or `pg_dumpall` wrote as plain SQL."""

    def __init__(self, database: str | None) -> None:
        super().__init__()
        self._whole = database is None

    def finish(self) -> str:
        """Say what was dumped.

        Raises:
            Tampered: the closing line is missing.
        """
        lines = self._last_lines()
        closing = (
            b"-- PostgreSQL database cluster dump complete" if self._whole else b"-- PostgreSQL database dump complete"
        )
        if not lines or lines[-1] != closing:
            raise Tampered("the PostgreSQL dump breaks off: its closing line is missing")
        return "PostgreSQL dump of the whole instance" if self._whole else "PostgreSQL dump of one database"

    def _judge(self, head: bytes) -> None:
        whole = b"-- PostgreSQL database cluster dump" in head
        if not whole and b"-- PostgreSQL database dump" not in head:
            raise Tampered("no PostgreSQL dump: its first lines are something else")
        if whole != self._whole:
            raise Tampered(_OTHER_KIND.format(*_WHOLE_AND_ONE if whole else _ONE_AND_WHOLE))


class MysqlDump(_Ends):
    """Looks at what `mysqldump` or `mariadb-dump` wrote."""

    def __init__(self, database: str | None) -> None:
        super().__init__()
        self._whole = database is None

    def finish(self) -> str:
        """Say what was dumped.

        Raises:
            Tampered: the closing line is missing.
        """
        lines = self._last_lines()
        if not lines or not lines[-1].startswith(b"-- Dump completed"):
            raise Tampered("the SQL dump breaks off: its closing line is missing")
        return "SQL dump of all databases" if self._whole else "SQL dump of one database"

    def _judge(self, head: bytes) -> None:
        found = re.search(rb"^-- Host: .*Database: *(.*?)\s*$", head, re.MULTILINE)
        if found is None:
            raise Tampered("no MySQL or MariaDB dump: its first lines are something else")
        whole = not found[1]
        if whole != self._whole:
            raise Tampered(_OTHER_KIND.format(*_WHOLE_AND_ONE if whole else _ONE_AND_WHOLE))


_OTHER_KIND = "the dump is of {}, but the definition names {}"
_WHOLE_AND_ONE = ("all databases", "one `database`")
_ONE_AND_WHOLE = ("one database", "no `database`")
