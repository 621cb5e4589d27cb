"""Content on its last metres: looked at by its adapter, and the last block held back (contract B 3.7)."""

from __future__ import annotations

from collections.abc import Iterator

from bahub.adapters.base import Inspector
from bahub.streams import Reader, Writer


def checked(content: Reader, inspector: Inspector) -> Iterator[bytes]:
    """Give each block once it was looked at, and the last one only when all before it in the pipeline has succeeded.

    Raises:
        Tampered: this cannot be part of such content, or it is not whole.
        Broken: a stage before has failed.
    """
    held = b""
    while block := content.read():
        inspector.feed(block)
        if held:
            yield held
        held = block
    if held:
        inspector.finish()
        yield held


def pour(reader: Reader, writer: Writer) -> None:
    """Write everything from one stream into another.

    Raises:
        Broken: a stage before has failed.
    """
    while block := reader.read():
        writer.write(block)
    writer.flush()
