"""A tar archive as it passes: members counted, the end found, names that lead elsewhere refused (contract B 3.4, 3.7).

Walks the headers and skips the data, so that memory does not depend on the archive. Knows the POSIX and the GNU
format. Where two programs could understand a header differently (a link with data, a kind nobody knows), the archive
is refused: otherwise `tar` might find a member that was not looked at here. Members below a symbolic link of the
archive itself are left to GNU tar, which makes no link that leads elsewhere until everything else is in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bahub.errors import Tampered

BLOCK = 512
"""Headers are one block, data is padded to blocks."""
_LONGEST = 1 << 20
"""Bytes that extended names and attributes of one member may take."""
_EMPTY = bytes(BLOCK)
_FILES = frozenset(b"\x000\x377S")
_DATALESS = frozenset(b"123456")
_SPARSE, _HARD_LINK = ord("S"), ord("1")
_EXTENDED, _GLOBAL, _LONG_NAME, _LONG_LINK = ord("x"), ord("g"), ord("L"), ord("K")
_ATTRIBUTES = frozenset((_EXTENDED, _GLOBAL, _LONG_NAME, _LONG_LINK))
_PATH, _LINK_PATH, _SPARSE_NAME, _SIZE = b"path", b"linkpath", b"GNU.sparse.name", b"size"


class Tar:
    """Looks at a tar archive."""

    def __init__(self) -> None:
        self._left = b""
        self._skip = 0
        self._want = BLOCK
        self._collecting: int | None = None
        self._size = 0
        self._in_sparse_map = False
        self._attributes: dict[bytes, bytes] = {}
        self._empty_blocks = 0
        self._members = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            Tampered: they are no tar archive, or a member would land outside of the destination.
        """
        data = self._left + block if self._left else block
        position, end = min(self._skip, len(data)), len(data)
        self._skip -= position
        while not self._skip and end - position >= self._want:
            piece = data[position : position + self._want]
            position += self._want
            self._take(piece)
            step = min(self._skip, end - position)
            self._skip -= step
            position += step
        self._left = data[position:]

    def finish(self) -> str:
        """Say how many members there were.

        Raises:
            Tampered: the archive has no end.
        """
        if self._left or self._skip or self._empty_blocks < 2:  # noqa: PLR2004 - the end of an archive
            raise Tampered(f"the tar archive breaks off after {self._members} members")
        return f"tar archive, {self._members} member{'' if self._members == 1 else 's'}"

    def _take(self, piece: bytes) -> None:
        if self._collecting is not None:
            self._collect(self._collecting, piece[: self._size])
            self._collecting = None
            self._want = BLOCK
        elif self._in_sparse_map:
            self._in_sparse_map = piece[504] != 0
            if not self._in_sparse_map:
                self._skip = _padded(self._size)
        elif piece == _EMPTY:
            self._empty_blocks += 1
        else:
            self._header(piece)

    def _header(self, header: bytes) -> None:
        if self._empty_blocks:
            raise Tampered("there is something after the end of the tar archive")
        if _number(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * ord(" "):
            raise Tampered(f"no tar archive, or a damaged one after {self._members} members")
        kind = header[156]
        self._size = _number(header[124:136])
        if kind in _ATTRIBUTES:
            if self._size > _LONGEST:
                raise Tampered("the tar archive has a name or attribute of absurd length")
            self._collecting = kind
            self._want = _padded(self._size)
            if not self._want:
                self._collecting, self._want = None, BLOCK
            return
        self._member(header, kind)

    def _member(self, header: bytes, kind: int) -> None:
        attributes, self._attributes = self._attributes, {}
        name = attributes.get(_SPARSE_NAME, attributes.get(_PATH, _name(header)))
        _judge(name, "")
        if kind == _HARD_LINK:
            _judge(attributes.get(_LINK_PATH, _text(header[157:257])), " is a hard link that")
        if _SIZE in attributes:
            self._size = _decimal(attributes[_SIZE])
        if kind in _DATALESS:
            if self._size:
                raise Tampered(f"the tar member {_shown(name)} has data although its kind has none")
        elif kind not in _FILES:
            raise Tampered(f"the tar member {_shown(name)} is of a kind that no backup has")
        self._members += 1
        if kind == _SPARSE and header[482]:
            self._in_sparse_map = True
        else:
            self._skip = _padded(self._size)

    def _collect(self, kind: int, data: bytes) -> None:
        if kind == _LONG_NAME:
            self._attributes.setdefault(_PATH, _text(data))
        elif kind == _LONG_LINK:
            self._attributes.setdefault(_LINK_PATH, _text(data))
        elif kind == _EXTENDED:
            self._attributes.update(_records(data))
        else:
            _judge_global(dict(_records(data)))


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _name(header: bytes) -> bytes:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int:
    """Read an octal number, or GNU's binary form of large ones."""
    if field[0] == 0x80:  # noqa: PLR2004 - the mark of the binary form
        return int.from_bytes(field[1:])
    try:
        return int(_text(field).strip() or b"0", 8)
    except ValueError:
        raise Tampered("no tar archive, or a damaged one") from None


def _decimal(text: bytes) -> int:
    if not text.isdigit():
        raise Tampered("the tar archive has a damaged attribute")
    return int(text)


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the `length key=value` records of an extended header."""
    while data:
        length = _decimal(data[: data.find(b" ")] if b" " in data[:12] else b"")
        record, data = data[:length], data[length:]
        key, separator, value = record[record.find(b" ") + 1 :].partition(b"=")
        if not separator or len(record) != length or not value.endswith(b"\n"):
            raise Tampered("the tar archive has a damaged attribute")
        yield key, value[:-1]


def _judge(name: bytes, role: str) -> None:
    if name.startswith(b"/") or b".." in name.split(b"/"):
        raise Tampered(f"refused: the tar member {_shown(name)}{role} leads outside of the destination")


def _judge_global(attributes: Mapping[bytes, bytes]) -> None:
    if not attributes.keys().isdisjoint((_PATH, _LINK_PATH, _SPARSE_NAME, _SIZE)):
        raise Tampered("refused: the tar archive gives all members one name or size")


def _shown(name: bytes) -> str:
    return ascii(name.decode(errors="backslashreplace"))
