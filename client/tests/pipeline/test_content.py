"""The last metres of content."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bahub.errors import Tampered
from bahub.pipeline.content import checked
from bahub.streams import Broken


class Arriving:
    """A stream that ends, or breaks, after some blocks."""

    def __init__(self, *blocks: bytes, breaks: bool = False) -> None:
        self._blocks: Iterator[bytes] = iter(blocks)
        self._breaks = breaks

    def read(self, size: int = -1, /) -> bytes:
        del size
        block = next(self._blocks, b"")
        if not block and self._breaks:
            raise Broken
        return block


class Noting:
    """A look at content that remembers, and dislikes some."""

    def __init__(self, disliked: bytes = b"nothing", *, whole: bool = True) -> None:
        self.seen: list[bytes] = []
        self._disliked = disliked
        self._whole = whole

    def feed(self, block: bytes) -> None:
        if block == self._disliked:
            raise Tampered("disliked")
        self.seen.append(block)

    def finish(self) -> str:
        if not self._whole:
            raise Tampered("not whole")
        return "noted"


def handed_on(content: Arriving, look: Noting) -> tuple[list[bytes], str]:
    """Return what is handed on, and how it ended."""
    blocks: list[bytes] = []
    try:
        for block in checked(content, look):
            blocks.append(block)  # noqa: PERF402 - what came before an exception counts
    except (Broken, Tampered) as error:
        return blocks, type(error).__name__
    return blocks, "end"


def test_everything_is_handed_on_in_order() -> None:
    look = Noting()
    assert handed_on(Arriving(b"a", b"b", b"c"), look) == ([b"a", b"b", b"c"], "end")
    assert look.seen == [b"a", b"b", b"c"]


def test_the_last_block_waits_for_the_end() -> None:
    """Section 3.7: a stream that breaks has not given its last block away."""
    assert handed_on(Arriving(b"a", b"b", breaks=True), Noting()) == ([b"a"], "Broken")
    assert handed_on(Arriving(b"a", breaks=True), Noting()) == ([], "Broken")


def test_the_last_block_waits_for_the_verdict() -> None:
    assert handed_on(Arriving(b"a", b"b"), Noting(whole=False)) == ([b"a"], "Tampered")


def test_what_must_not_be_there_is_never_handed_on() -> None:
    assert handed_on(Arriving(b"a", b"b", b"c"), Noting(b"b")) == ([], "Tampered")


@pytest.mark.parametrize("whole", [True, False])
def test_no_content_is_no_matter_for_a_look(whole: bool) -> None:
    assert handed_on(Arriving(), Noting(whole=whole)) == ([], "end")
