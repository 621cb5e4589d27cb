"""Pages of lists, twenty rows each; the address carries which."""

from __future__ import annotations

from dataclasses import dataclass

PAGE_SIZE = 20
_LAST = 2**40


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is shown, and of how many rows."""

    number: int
    total: int = 0

    @classmethod
    def read(cls, text: str) -> Paging:
        """Read the page from an address; what is no page is the first."""
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_LAST)) else 1
        return cls(max(1, min(number, _LAST)))

    def of(self, total: int) -> Paging:
        """Return the same page with the number of rows."""
        return Paging(self.number, total)

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.number - 1) * PAGE_SIZE

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        """The number of the first row shown, from 1."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.offset + PAGE_SIZE, self.total)
