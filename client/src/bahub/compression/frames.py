"""Expanding what compressors wrote: one frame (gzip calls it a member) after the other, never much in memory.

Whatever follows a frame must be another frame, and the last one must be whole: an archive that was cut short, or to
which something was added, is not the archive that was made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bahub.errors import Tampered
from bahub.streams import BLOCK, Reader, Writer


class Frame(Protocol):
    """One frame while it is expanded; the shape of the standard library's decompressors."""

    @property
    def eof(self) -> bool:
        """Whether the end of the frame was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out until more goes in."""

    @property
    def unused_data(self) -> bytes:
        """What came after the end of the frame."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take bytes, give at most so many of the expanded ones."""


def expand_frames(
    packed: Reader, plain: Writer, begin: Callable[[], Frame], *, name: str, damage: type[Exception]
) -> None:
    """Expand frames until the stream ends; `begin` makes what expands one, and raises `damage` over broken bytes.

    Raises:
        Tampered: a frame is damaged or cut short, or something else follows the last one.
    """
    frame, whole, frames = begin(), False, 0
    rest = b""
    while data := rest or packed.read():
        rest, whole = b"", False
        try:
            _expand(frame, data, plain)
        except damage as error:
            raise Tampered(_sentence(name, frames), hint=str(error)) from error
        if frame.eof:
            rest, frame, whole, frames = frame.unused_data, begin(), True, frames + 1
    if not whole:
        raise Tampered(f"The {name} data ends too early: it was cut short")


def _expand(frame: Frame, data: bytes, plain: Writer) -> None:
    plain.write(frame.decompress(data, BLOCK))
    while not frame.eof and not frame.needs_input:
        plain.write(frame.decompress(b"", BLOCK))


def _sentence(name: str, frames: int) -> str:
    if frames:
        return f"The {name} data is damaged, or something was added after its end"
    return f"The {name} data is damaged"
